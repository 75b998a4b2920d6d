"""What is found in S3: the rights, by really writing, reading, listing and deleting, and the clock.

Services only write: what they are not given beyond that is told, not refused.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from runtime.preflight.clocks import s3_clock
from runtime.preflight.findings import Finding, Verdict, judged
from runtime.s3 import PROBE_KEY, StoreRefused, clock_ahead_s, explained

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITE, READ, LIST, DELETE = "S3 write", "S3 read", "S3 list", "S3 delete"


def found_in_s3(
    client: "S3Client", bucket: str, place: str, *, is_bucket_made: bool
) -> list[Finding]:
    """Try each right on the probe, which is gone afterwards if it may be deleted.

    `is_bucket_made` tells that the post-processor makes a bucket that is missing. Raises
    TransientError if S3 is away.
    """
    begun_s = time.time()
    try:
        with explained(place):
            written = client.put_object(Bucket=bucket, Key=PROBE_KEY, Body=b"")
    except StoreRefused as error:
        if is_bucket_made and _code(error) == "NoSuchBucket":
            said = f"bucket {bucket} is not there yet: the post-processor makes it"
            return [judged(WRITE, bucket, said, "")]
        return [Finding(WRITE, bucket, Verdict.REFUSED, str(error))]
    ahead_s = clock_ahead_s(written["ResponseMetadata"], begun_s)
    return [
        judged(WRITE, bucket, f"s3:PutObject is given: {PROBE_KEY} was written to {bucket}", ""),
        *_rights_of_persons(client, bucket, place),
        *([] if ahead_s is None else [s3_clock(ahead_s)]),
    ]


def _rights_of_persons(client: "S3Client", bucket: str, place: str) -> list[Finding]:
    """Try what no service needs; the probe goes last."""
    attempts: tuple[tuple[str, str, str, Callable[[], object]], ...] = (
        (
            READ,
            "s3:GetObject",
            "the ledger and the viewer",
            lambda: client.get_object(Bucket=bucket, Key=PROBE_KEY)["Body"].read(),
        ),
        (
            LIST,
            "s3:ListBucket",
            "`framerail status` and the ledger",
            lambda: client.list_objects_v2(Bucket=bucket, Prefix="evidence/", MaxKeys=1),
        ),
        (
            DELETE,
            "s3:DeleteObject",
            "a person who cleans up",
            lambda: client.delete_object(Bucket=bucket, Key=PROBE_KEY),
        ),
    )
    found = []
    for name, right, needed_by, attempt in attempts:
        refusal = _refusal(attempt, place)
        given = "is given" if refusal is None else f"is not given ({refusal})"
        said = f"{right} {given}; it is for {needed_by}, no service needs it"
        found.append(judged(name, bucket, said, "", is_given=refusal is None))
    return found


def _refusal(attempt: Callable[[], object], place: str) -> str | None:
    """Return S3's code for refusing, None if it did not."""
    try:
        with explained(place):
            attempt()
    except StoreRefused as error:
        return _code(error)
    return None


def _code(error: StoreRefused) -> str:
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return "no credentials"
    return cause.response.get("Error", {}).get("Code", "")

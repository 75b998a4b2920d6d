"""The edge to the pictures in S3: what each object says of itself, and how long they are kept."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ops.ledger.outcomes import EMPTY, Promise
from runtime.daemon_pool import DaemonPool
from runtime.s3 import explained

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ASKED_AT_ONCE = 2000
"""Questions handed to the threads together; so many answers are held."""
NOT_FOUND = ("404", "NoSuchKey", "NoSuchBucket")
NO_LIFECYCLE = "NoSuchLifecycleConfiguration"

Metadata = Mapping[str, str]


class Pictures:
    """Asks for pictures by key, `connections` at once; errors are those of `runtime.s3`.

    The key needs s3:GetObject on the pictures, and s3:ListBucket: without it AWS answers 403 for an
    object that is not there (Amazon S3 API Reference, HeadObject).
    """

    def __init__(self, client: "S3Client", bucket: str, place: str, connections: int) -> None:
        self._client = client
        self._bucket = bucket
        self._place = place
        self._pool = DaemonPool[Metadata | None](connections, "pictures")

    def close(self) -> None:
        """End the threads; what is under way is not waited for."""
        self._pool.close()

    def look_up(self, promises: Iterable[Promise]) -> Iterator[tuple[Promise, Metadata | None]]:
        """Yield each promise with the metadata of its object, None where there is none."""
        waiting = iter(promises)
        while chunk := list(islice(waiting, ASKED_AT_ONCE)):
            asked = [self._pool.submit(partial(self._metadata, one.key)) for one in chunk]
            try:
                for promise, answer in zip(chunk, asked, strict=True):
                    yield promise, answer.result()
            finally:
                self._pool.cancel_waiting()

    def lifecycle(self) -> list[Mapping[str, Any]] | None:
        """Return the rules by which the bucket deletes; None if the server does not tell."""
        with explained(self._place):
            try:
                found = self._client.get_bucket_lifecycle_configuration(Bucket=self._bucket)
            except ClientError as error:
                return [] if _code(error) in (NO_LIFECYCLE, *NOT_FOUND) else None
        return list(found.get("Rules", []))

    def _metadata(self, key: str) -> Metadata | None:
        with explained(self._place):
            try:
                head = self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if _code(error) in NOT_FOUND:
                    return None
                raise
        return head["Metadata"] if head["ContentLength"] else {EMPTY: "yes"}


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")

"""Puts the model repository into a bucket, or waits until it is there and whole.

KServe fetches whatever lies under a prefix at that moment, so a mark outside the prefix says that
the last file has been stored.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from runtime.backoff import growing_waits

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "model_repository"
MARK = f"{PREFIX}.complete"
WAIT_S = 600.0


def objects(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the key of every file of `folder`, and the file."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"{PREFIX}/{path.relative_to(folder).as_posix()}", path


def upload(s3: "S3Client", bucket: str, folder: Path) -> None:
    """Store every file, then the mark; the bucket is made if it is not there."""
    if bucket not in {found["Name"] for found in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket)
    for key, path in objects(folder):
        s3.upload_file(str(path), bucket, key)
    s3.put_object(Bucket=bucket, Key=MARK, Body=b"complete")


def persistently(attempt: Callable[[], Any], within_s: float) -> bool:
    """Try until it succeeds; return False, having said why, if it has not within `within_s`."""
    deadline_s = time.monotonic() + within_s
    for wait_s in growing_waits(0.5, 4.0, random.Random()):  # noqa: S311 - jitter
        try:
            attempt()
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() > deadline_s:
                sys.stderr.write(f"models: {error}\n")
                return False
            time.sleep(wait_s)
        else:
            break
    return True


def main() -> int:
    """Return 0 when the repository is stored, 3 if S3 stayed away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--wait", action="store_true", help="until another has stored it")
    parser.add_argument("--folder", type=Path, default=Path("model_repository"))
    chosen = parser.parse_args()
    s3 = boto3.client(
        "s3",
        endpoint_url=os.environ.get("FRAMERAIL_S3_ENDPOINT_URL"),
        region_name=os.environ.get("FRAMERAIL_S3_REGION", "us-east-1"),
        config=Config(s3={"addressing_style": "path"}, connect_timeout=3, read_timeout=30),
    )

    def attempt() -> None:
        if chosen.wait:
            s3.head_object(Bucket=chosen.bucket, Key=MARK)
        else:
            upload(s3, chosen.bucket, chosen.folder)

    return 0 if persistently(attempt, WAIT_S) else 3


if __name__ == "__main__":
    sys.exit(main())

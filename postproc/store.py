"""The object store: puts pictures into one bucket, and makes it where it may."""

import time
from typing import TYPE_CHECKING

from postproc.pictures import Picture
from postproc.settings import PostprocSettings
from runtime.s3 import PROBE_KEY, StoreRefused, clock_ahead_s, explained, place_of, s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType


class S3Store:
    """One bucket. Its methods may be called from many threads at once.

    They raise StoreRefused if only a person can heal it, TransientError if time may.
    """

    def __init__(self, client: "S3Client", bucket: str, place: str) -> None:
        self._client = client
        self._bucket = bucket
        self._place = place

    @classmethod
    def connect(cls, settings: PostprocSettings) -> "S3Store":
        """Make a client; nothing is sent yet. Raises ConfigurationError for a wrong AWS profile."""
        client = s3_client(settings, settings.upload_threads)
        return cls(client, settings.s3_bucket, place_of(settings))

    def put(self, picture: Picture) -> None:
        """Store one picture, replacing what its key held."""
        with explained(self._place):
            self._client.put_object(
                Bucket=self._bucket,
                Key=picture.key,
                Body=picture.jpeg,
                ContentType="image/jpeg",
                Metadata=picture.metadata,
            )

    def check_writable(self) -> float | None:
        """Write a tiny object: reading rights prove nothing about writing.

        Returns by how many seconds our clock is ahead of the store's, None if it does not tell.
        """
        begun_s = time.time()
        with explained(self._place):
            written = self._client.put_object(Bucket=self._bucket, Key=PROBE_KEY, Body=b"")
        return clock_ahead_s(written["ResponseMetadata"], begun_s)

    def create_bucket(self) -> None:
        """Make the bucket unless it is there."""
        try:
            with explained(self._place):
                self._client.head_bucket(Bucket=self._bucket)
        except StoreRefused:
            with explained(self._place):
                self._create()

    def _create(self) -> None:
        region = self._client.meta.region_name
        try:
            if region in ("us-east-1", "aws-global", None):
                self._client.create_bucket(Bucket=self._bucket)
                return
            location: BucketLocationConstraintType = region  # type: ignore[assignment]  # any region
            self._client.create_bucket(
                Bucket=self._bucket, CreateBucketConfiguration={"LocationConstraint": location}
            )
        except (
            self._client.exceptions.BucketAlreadyOwnedByYou,
            self._client.exceptions.BucketAlreadyExists,
        ):
            return  # another replica was faster; if it is a stranger's, the write check tells

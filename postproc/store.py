"""The object store over boto3: puts pictures and says in our words why it could not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from postproc.pictures import Picture
from postproc.settings import PostprocSettings
from runtime.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType

PROBE_KEY = "evidence/.write-check"
"""Rights are often given for `evidence/*` alone, and to put, not to delete: so it stays there."""

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 10
ATTEMPTS = 3
"""Short faults end here; what outlasts three attempts is waited for, for ever, by the caller."""

_REFUSALS = {
    "301": "the bucket is in another region; set FRAMERAIL_S3_REGION",
    "403": "the key or its rights are refused",
    "404": "there is no such bucket",
    "AccessDenied": "the key lacks the right to do this; it needs s3:PutObject on evidence/*",
    "AllAccessDisabled": "access to this bucket is switched off",
    "AuthorizationHeaderMalformed": "the region is wrong; set FRAMERAIL_S3_REGION",
    "ExpiredToken": "the credentials have expired",
    "InvalidAccessKeyId": "the access key is unknown there; check AWS_ACCESS_KEY_ID",
    "InvalidBucketName": "it takes no bucket of this name; check FRAMERAIL_S3_BUCKET",
    "InvalidToken": "the session token is wrong; check AWS_SESSION_TOKEN",
    "NoSuchBucket": "there is no such bucket; make it, or set FRAMERAIL_S3_CREATE_BUCKET=true",
    "PermanentRedirect": "the bucket is in another region; set FRAMERAIL_S3_REGION",
    "SignatureDoesNotMatch": "the secret key is wrong; check AWS_SECRET_ACCESS_KEY",
}
"""S3's codes that no waiting heals. Source: "Error responses", Amazon S3 API Reference."""


class StoreRefused(ConfigurationError):
    """The store answers, and will refuse until someone changes a right, a key or a name."""


class S3Store:
    """One bucket. Its methods may be called from many threads at once."""

    def __init__(self, client: "S3Client", bucket: str, address: str) -> None:
        self._client = client
        self._bucket = bucket
        self._place = f"bucket {bucket!r} at {address}"

    @classmethod
    def connect(cls, settings: PostprocSettings) -> "S3Store":
        """Make a client; nothing is sent yet. Raises ConfigurationError for a wrong AWS profile."""
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            max_pool_connections=settings.upload_threads,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            # A bucket as part of the host name needs a wildcard in DNS, which only AWS has.
            s3={"addressing_style": "path" if settings.s3_endpoint_url else "auto"},
        )
        try:
            client = boto3.session.Session().client(
                "s3",
                region_name=settings.s3_region,
                endpoint_url=settings.s3_endpoint_url,
                config=config,
            )
        except (ProfileNotFound, BotoCoreError, ValueError) as error:
            raise ConfigurationError(f"S3: {error}") from error
        return cls(client, settings.s3_bucket, settings.s3_endpoint_url or "AWS")

    def put(self, picture: Picture) -> None:
        """Store one picture, replacing what its key held.

        Raises StoreRefused if only a person can heal it, TransientError if time may.
        """
        with self._explained():
            self._client.put_object(
                Bucket=self._bucket,
                Key=picture.key,
                Body=picture.jpeg,
                ContentType="image/jpeg",
                Metadata=picture.metadata,
            )

    def check_writable(self) -> None:
        """Write a tiny object; raise as `put` does. Reading rights prove nothing about writing."""
        with self._explained():
            self._client.put_object(Bucket=self._bucket, Key=PROBE_KEY, Body=b"")

    def create_bucket(self) -> None:
        """Make the bucket unless it is there; raise as `put` does."""
        try:
            with self._explained():
                self._client.head_bucket(Bucket=self._bucket)
        except StoreRefused:
            with self._explained():
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

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _REFUSALS:
                raise StoreRefused(f"S3 {self._place}: {_REFUSALS[code]} ({code})") from error
            raise TransientError(f"S3 {self._place}: {error}") from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise StoreRefused(
                f"S3 {self._place}: {error}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "a shared credentials file, or give this machine or pod a role"
            ) from error
        except (BotoCoreError, CredentialRetrievalError) as error:
            raise TransientError(f"S3 {self._place}: {error}") from error

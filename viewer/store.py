"""The edge to S3: pictures, links to them, and the ledger's verdict. It reads, and never writes."""

from typing import TYPE_CHECKING

import msgspec

from contracts.names import LEDGER_KEY
from contracts.wall import LedgerVerdict
from runtime.errors import DependencyError
from runtime.s3 import explained, place_of, s3_client
from runtime.settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_PICTURE_BYTES = 32 * 1024 * 1024
"""Of noise alone, the post-processor's 16 Mi pixels take 29.9 MiB at its quality of 90 (and 65.7 at
100, which is not shown here: its link still leads to it). Each fetching thread may hold one."""
MAX_VERDICT_BYTES = 64 * 1024
"""It goes to everybody each second."""
LINK_LASTS_S = 600


class TooLarge(DependencyError):
    """An object is larger than the viewer reads."""


class ReadOnlyStore:
    """One bucket. Its methods may be called from many threads at once.

    They raise StoreRefused if only a person can heal it, TransientError if time may.
    """

    def __init__(self, client: "S3Client", bucket: str, place: str) -> None:
        self._client = client
        self._bucket = bucket
        self._place = place

    @classmethod
    def connect(cls, settings: S3Settings, connections: int) -> "ReadOnlyStore":
        """Make a client; nothing is sent yet. Raises ConfigurationError for a wrong AWS profile."""
        client = s3_client(settings, connections)
        return cls(client, settings.s3_bucket, place_of(settings))

    def picture(self, key: str) -> bytes | None:
        """Return the JPEG of a key, None if there is none; raise TooLarge for more than a JPEG."""
        return self._object(key, MAX_PICTURE_BYTES)

    def link(self, key: str) -> str:
        """Return an address at which the picture can be had for LINK_LASTS_S seconds."""
        with explained(self._place):
            return self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ResponseContentType": "image/jpeg",
                },
                ExpiresIn=LINK_LASTS_S,
            )

    def verdict(self) -> LedgerVerdict | None:
        """Return what the ledger published last, None if it never did.

        Raises DependencyError, too, if that cannot be read.
        """
        document = self._object(LEDGER_KEY, MAX_VERDICT_BYTES)
        if document is None:
            return None
        try:
            return msgspec.json.decode(document, type=LedgerVerdict)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise DependencyError(
                f"S3 {self._place}: {LEDGER_KEY} is no verdict of the ledger ({str(error)[:200]})"
            ) from error

    def _object(self, key: str, limit_bytes: int) -> bytes | None:
        with explained(self._place):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.NoSuchKey:
                return None
            with found["Body"] as body:
                if found["ContentLength"] > limit_bytes:
                    raise TooLarge(f"S3 {self._place}: {key} is larger than {limit_bytes} bytes")
                return body.read()

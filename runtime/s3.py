"""S3 over boto3 as every program of ours uses it: one client, and our words for its errors."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
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
    SSLError,
)

from runtime.errors import ConfigurationError, TransientError
from runtime.settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ResponseMetadataTypeDef

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 10
PROBE_KEY = "evidence/.write-check"
"""Rights are often given for `evidence/*` alone, and to put, not to delete: so it stays there."""
ATTEMPTS = 3
"""Short faults end here; what outlasts three attempts is waited for, for ever, by the caller."""
_LONGEST_WAITS_S = sum(2**attempt + 5 for attempt in range(ATTEMPTS - 1))
"""botocore waits up to 1, 2, 4, ... s where S3 throttles, and 5 s more where S3 asks for it
("standard" mode, botocore/retries/standard.py)."""
SLOWEST_ANSWER_S = float(ATTEMPTS * (CONNECT_TIMEOUT_S + READ_TIMEOUT_S) + _LONGEST_WAITS_S)
"""How long a request to S3 may take that is no stuck one."""

_REFUSALS = {
    "301": "the bucket is in another region; set FRAMERAIL_S3_REGION",
    "403": "the key or its rights are refused",
    "404": "there is no such bucket",
    "AccessDenied": "the key lacks the right to do this; on evidence/*, postproc needs "
    "s3:PutObject, the viewer s3:GetObject",
    "AllAccessDisabled": "access to this bucket is switched off",
    "AuthorizationHeaderMalformed": "the region is wrong; set FRAMERAIL_S3_REGION",
    "ExpiredToken": "the credentials have expired",
    "InvalidAccessKeyId": "the access key is unknown there; check AWS_ACCESS_KEY_ID",
    "InvalidBucketName": "it takes no bucket of this name; check FRAMERAIL_S3_BUCKET",
    "InvalidToken": "the session token is wrong; check AWS_SESSION_TOKEN",
    "NoSuchBucket": "there is no such bucket; make it, or set FRAMERAIL_S3_CREATE_BUCKET=true",
    "PermanentRedirect": "the bucket is in another region; set FRAMERAIL_S3_REGION",
    "RequestTimeTooSkewed": "our clock is more than 15 minutes off; set this machine's, by NTP",
    "SignatureDoesNotMatch": "the secret key is wrong; check AWS_SECRET_ACCESS_KEY",
}
"""S3's codes that no waiting heals. Source: "Error responses", Amazon S3 API Reference."""

_UNTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "NO_CERTIFICATE_OR_CRL_FOUND", "doesn't match")
"""In OpenSSL's and urllib3's words: another authority, a file without one, another host's name."""


def check_patience(stuck_after_s: float) -> None:
    """Raise ValueError if a thread that waits for S3 would count as stuck."""
    if stuck_after_s <= SLOWEST_ANSWER_S:
        raise ValueError(
            f"stuck_after_s {stuck_after_s:g} must be above {SLOWEST_ANSWER_S:g}: so long may the "
            f"{ATTEMPTS} attempts at an answer of S3 take"
        )


class StoreRefused(ConfigurationError):
    """The store answers, and will refuse until someone changes a right, a key or a name."""


def s3_client(
    settings: S3Settings, connections: int = 10, session: boto3.session.Session | None = None
) -> "S3Client":
    """Make a client; nothing is sent yet. Raises ConfigurationError for a wrong AWS profile.

    `session` brings credentials of its own; boto3's chain finds them where it is None.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # botocore signs requests so anyway, but links in us-east-1 by version 2, which few take.
        signature_version="s3v4",
        # A bucket as part of the host name needs a wildcard in DNS, which only AWS has.
        s3={"addressing_style": "path" if settings.s3_endpoint_url else "auto"},
    )
    try:
        return (session or boto3.session.Session()).client(
            "s3",
            region_name=settings.s3_region,
            endpoint_url=settings.s3_endpoint_url,
            verify=None if settings.s3_ca_file is None else str(settings.s3_ca_file),
            config=config,
        )
    except (ProfileNotFound, BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"S3: {error}") from error


def place_of(settings: S3Settings) -> str:
    """Return the bucket and its server, as errors name them."""
    return f"bucket {settings.s3_bucket!r} at {settings.s3_endpoint_url or 'AWS'}"


def clock_ahead_s(answer: "ResponseMetadataTypeDef", begun_s: float) -> float | None:
    """Return by how many seconds our clock is ahead of the one that dated an answer of S3.

    The request was begun at `begun_s`, by our clock, and has just been answered. None where the
    answer has no date. A date has whole seconds, so this is known to one.
    """
    told = answer["HTTPHeaders"].get("date")
    if told is None:
        return None
    ours_s = (begun_s + time.time()) / 2
    return ours_s - (parsedate_to_datetime(told).timestamp() + 0.5)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Map boto3's errors: StoreRefused if only a person can heal it, TransientError if time may."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _REFUSALS:
            raise StoreRefused(f"S3 {place}: {_REFUSALS[code]} ({code})") from error
        raise TransientError(f"S3 {place}: {error}") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StoreRefused(
            f"S3 {place}: {error}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "a shared credentials file, or give this machine or pod a role"
        ) from error
    except SSLError as error:
        if any(words in str(error) for words in _UNTRUSTED):
            raise StoreRefused(
                f"S3 {place}: its certificate is not trusted: {error}; check FRAMERAIL_S3_CA_FILE, "
                "and that FRAMERAIL_S3_ENDPOINT_URL names the server as its certificate does"
            ) from error
        raise TransientError(f"S3 {place}: {error}") from error
    except (BotoCoreError, CredentialRetrievalError) as error:
        raise TransientError(f"S3 {place}: {error}") from error

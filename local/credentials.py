"""The S3 key pair of a workspace, kept where every S3 client can read it."""

import configparser
import io
import secrets
from dataclasses import dataclass

from local.workspace import Workspace, write_private

PROFILE = "framerail"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The key pair of the S3 administrator; the secret stays out of `repr`."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return f"AccessKey({self.key_id!r}, secret hidden)"


def access_key(workspace: Workspace) -> AccessKey:
    """Return the workspace's key pair, made at the first call and kept in its credentials file.

    Any S3 client reads it with AWS_SHARED_CREDENTIALS_FILE=<that file>: the pair stands there as
    the default profile too.
    """
    kept = configparser.ConfigParser(interpolation=None)
    kept.read(workspace.credentials_file, encoding="utf-8")
    if kept.has_section(PROFILE):
        profile = kept[PROFILE]
        return AccessKey(profile["aws_access_key_id"], profile["aws_secret_access_key"])
    # The form of AWS's own: 20 and 40 characters, so that clients which check the form agree.
    key = AccessKey("FR" + secrets.token_hex(9).upper(), secrets.token_urlsafe(30))
    for profile_name in (PROFILE, "default"):
        kept[profile_name] = {"aws_access_key_id": key.key_id, "aws_secret_access_key": key.secret}
    text = io.StringIO()
    kept.write(text)
    write_private(workspace.credentials_file, text.getvalue())
    return key

"""User data opened as cloud-init opens it: its files, below a folder of ours instead of `/`."""

import base64
import gzip
import stat
from pathlib import Path
from typing import Any

import yaml


def cloud_config(user_data_base64: str) -> dict[str, Any]:
    text = gzip.decompress(base64.b64decode(user_data_base64)).decode()
    assert text.startswith("#cloud-config\n")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def write_files(user_data_base64: str, root: Path) -> None:
    for entry in cloud_config(user_data_base64)["write_files"]:
        path = root / entry["path"].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(entry["content"], encoding="utf-8")
        path.chmod(stat.S_IMODE(int(entry["permissions"], 8)))

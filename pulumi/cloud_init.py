"""User data of the EC2 instances: files out of `templates/` and one environment file."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parent / "templates"
SCRIPTS = "/opt/framerail"
ENVIRONMENT_FILE = "/etc/framerail/machine.env"
LIMIT_BYTES = 16 * 1024
"""EC2 refuses longer user data, counted before base64."""

BOOT_UNIT = "framerail-boot.service"
BOOT_FILES = (BOOT_UNIT, "boot.sh", "fetch_secrets.sh")
BROKER_FILES = (
    *BOOT_FILES,
    "broker_install.sh",
    "kafka_configure.sh",
    "kafka_run.sh",
    "kafka_acls.sh",
    "kafka.properties",
    "kafka-log4j2.yaml",
    "kafka-pom.xml",
    "kafka-jars.sha256",
    "kafka.service",
)
CAMERA_FILES = (
    *BOOT_FILES,
    "camera_install.sh",
    "camera_configure.sh",
    "camera_run.sh",
    "mediamtx.yml",
    "camera.service",
)

# Its job is queued: cloud-init ends before it, and with it the boot.
RUN = (
    ("systemctl", "daemon-reload"),
    ("systemctl", "enable", "--now", "--no-block", BOOT_UNIT),
)


class TooLong(ValueError):
    """The user data exceeds what EC2 takes."""


def user_data(files: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return cloud-init's document, compressed and in base64, the same for the same input.

    cloud-init runs nothing itself, as it tries once: it starts the unit that goes on trying.
    `environment` holds no secret: user data can be read by whoever may describe the instance.
    Raises TooLong above LIMIT_BYTES.
    """
    written = [_entry(name) for name in files]
    written.append(
        {"path": ENVIRONMENT_FILE, "permissions": "0644", "content": _env_file(environment)}
    )
    # JSON is YAML, and quotes what it has to.
    document = json.dumps({"write_files": written, "runcmd": RUN})
    packed = gzip.compress(f"#cloud-config\n{document}\n".encode(), mtime=0)
    if len(packed) > LIMIT_BYTES:
        raise TooLong(f"user data of {len(packed)} bytes; EC2 takes {LIMIT_BYTES}")
    return base64.b64encode(packed).decode("ascii")


def _entry(name: str) -> dict[str, str]:
    is_unit = name.endswith(".service")
    folder = "/etc/systemd/system" if is_unit else SCRIPTS
    return {
        "path": f"{folder}/{name}",
        "permissions": "0755" if name.endswith(".sh") else "0644",
        "content": (TEMPLATES / name).read_text(encoding="utf-8"),
    }


def _env_file(environment: Mapping[str, str]) -> str:
    """Return the file as both systemd and a shell read it: NAME="value", a line each."""
    return "".join(f'{name}="{value}"\n' for name, value in environment.items())

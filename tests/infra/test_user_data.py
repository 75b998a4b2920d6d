"""What an instance is told at its first boot."""

import base64
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from broker import broker_environment
from camera import camera_environment
from cloud_init import (
    BOOT_UNIT,
    BROKER_FILES,
    CAMERA_FILES,
    ENVIRONMENT_FILE,
    LIMIT_BYTES,
    SCRIPTS,
    TEMPLATES,
    TooLong,
    user_data,
)
from naming import Names

from local.prepare.kafka_server import VERSION, prepare_kafka
from local.stack import CHECKOUT
from tests.infra.recording import Program
from tests.infra.running_broker import KAFKA_TOOLS, SECRET_NAMES, kafka_tools
from tests.infra.unpacked import cloud_config, write_files

CACHE = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail")) / "cache"
# The one of the lock file. SC2312 asks for more variables than a reader wants.
SHELLCHECK = str(Path(sys.executable).with_name("shellcheck"))
NAMES = Names("framerail", "test", "owner@example.com")
SECRETS = {"broker": SECRET_NAMES, "camera": ("reader-password",)}
MACHINES = {
    "broker": (
        BROKER_FILES,
        broker_environment(NAMES, "ap-south-1", "vol-0123", SECRETS["broker"]),
    ),
    "camera": (
        CAMERA_FILES,
        camera_environment(NAMES, "ap-south-1", "s3://models/clip.mp4", SECRETS["camera"]),
    ),
}


def test_every_template_is_given_to_a_machine() -> None:
    assert {path.name for path in TEMPLATES.iterdir()} == {*BROKER_FILES, *CAMERA_FILES}


@pytest.mark.parametrize("script", sorted(TEMPLATES.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_pass_shellcheck(script: Path) -> None:
    checked = subprocess.run(
        (SHELLCHECK, "--enable=all", "--exclude=SC2312", str(script)), capture_output=True
    )
    assert checked.returncode == 0, checked.stdout.decode()


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_units_run_scripts_that_are_there(machine: str, tmp_path: Path) -> None:
    files, environment = MACHINES[machine]
    write_files(user_data(files, environment), tmp_path)
    units = sorted(path.name for path in (tmp_path / "etc/systemd/system").iterdir())
    assert units == sorted([BOOT_UNIT, environment["SERVICE"]])
    for unit in units:
        commands = re.findall(
            r"^Exec\w+=-?(/opt/framerail/\S+)", (TEMPLATES / unit).read_text(), re.M
        )
        assert commands, unit
        for command in commands:
            assert os.access(tmp_path / command.lstrip("/"), os.X_OK), command
    assert os.access(tmp_path / SCRIPTS.lstrip("/") / environment["INSTALL"], os.X_OK)


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_a_shell_reads_the_environment_as_it_was_meant(machine: str, tmp_path: Path) -> None:
    files, environment = MACHINES[machine]
    write_files(user_data(files, environment), tmp_path)
    printed = subprocess.run(
        ("bash", "-c", f"set -a; source {tmp_path}{ENVIRONMENT_FILE}; env -0"),
        capture_output=True,
        check=True,
    )
    read = dict(line.split("=", 1) for line in printed.stdout.decode().split("\0") if line)
    assert environment.items() <= read.items()


def test_the_same_input_gives_the_same_user_data_so_no_machine_is_replaced() -> None:
    for files, environment in MACHINES.values():
        packed = user_data(files, environment)
        assert packed == user_data(files, dict(environment))
        # The time of packing, where gzip would write it (RFC 1952, MTIME).
        assert base64.b64decode(packed)[4:8] == bytes(4)


def test_user_data_above_what_ec2_takes_is_refused() -> None:
    with pytest.raises(TooLong, match=str(LIMIT_BYTES)):
        user_data(BROKER_FILES, {"NOISE": os.urandom(LIMIT_BYTES).hex()})


def test_the_broker_downloads_the_jars_of_the_embedded_stack_and_the_command_for_rights() -> None:
    libraries = prepare_kafka(CACHE, lambda _part, _detail: None).jars
    here = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in [*libraries.glob("*.jar"), kafka_tools()]
    }
    listed = [line.split() for line in (TEMPLATES / "kafka-jars.sha256").read_text().splitlines()]
    assert {path.rpartition("/")[2]: checksum for checksum, path in listed} == here
    assert {f"kafka_2.13-{VERSION}.jar", f"kafka-tools-{VERSION}.jar"} <= set(here)
    assert KAFKA_TOOLS in (TEMPLATES / "broker_install.sh").read_text()


def test_a_machine_is_told_of_every_secret_that_is_kept_for_it(program: Program) -> None:
    kept = {each.inputs["name"] for each in program.of("ssm/parameter:Parameter")}
    told = set()
    for instance in program.of("ec2/instance:Instance"):
        files = cloud_config(instance.inputs["userDataBase64"])["write_files"]
        (text,) = [each["content"] for each in files if each["path"] == ENVIRONMENT_FILE]
        names = re.findall(r'^SECRET_NAMES="(.*)"$', text, re.M)[0].split()
        assert sorted(names) == sorted(SECRETS[instance.name])
        told |= {f"/framerail/test/{instance.name}/{name}" for name in names}
    assert told == kept


def test_secrets_are_fetched_by_the_names_under_which_they_are_kept(tmp_path: Path) -> None:
    fake = tmp_path / "aws"
    fake.write_text('#!/usr/bin/env bash\nprintf "%s of %s\\n" "$6" "$4"\n')
    fake.chmod(0o755)
    for machine, names in SECRETS.items():
        environment = MACHINES[machine][1] | {"SECRETS": str(tmp_path / machine)}
        (tmp_path / machine).mkdir()
        path = f"{tmp_path}:{os.environ['PATH']}"
        subprocess.run(
            (str(TEMPLATES / "fetch_secrets.sh"),),
            env=environment | {"PATH": path},
            check=True,
        )
        for name in names:
            kept = tmp_path / machine / name
            assert kept.read_text() == f"/framerail/test/{machine}/{name} of ap-south-1\n"
            assert kept.stat().st_mode & 0o077 == 0

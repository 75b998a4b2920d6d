"""The first boot: what is late or fails is tried again, and what was done is not done twice."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from broker import broker_environment
from camera import camera_environment
from cloud_init import BOOT_UNIT, BROKER_FILES, CAMERA_FILES, SCRIPTS, TEMPLATES, user_data
from naming import Names

from tests.infra.unpacked import cloud_config, write_files

NAMES = Names("framerail", "test", "owner@example.com")
VOLUME = "nvme-Amazon_Elastic_Block_Store_vol0123"
JAR = b"a jar"
# Stands for every command that a test machine lacks or must not run. `fail_once` names one that
# fails at its first call; what a command changes is a file named after it.
STAND_IN = """\
#!/usr/bin/env bash
name=${0##*/}
echo "${name} $*" >>"${WORLD}/calls"
if [[ -f ${WORLD}/fail_once && $(<"${WORLD}/fail_once") == "${name}" ]]; then
  rm "${WORLD}/fail_once"
  exit 1
fi
case ${name} in
  id) test -f "${WORLD}/useradd" ;;
  blkid) test -f "${WORLD}/mkfs.xfs" ;;
  mountpoint) test -f "${WORLD}/mount" ;;
  mvn) printf 'a jar' >"${KAFKA_LIBS}/kafka.jar" ;;
  aws) printf 'a clip' >"${CLIP}" ;;
  *) touch "${WORLD}/${name}" ;;
esac
"""
COMMANDS = (
    *("dnf", "useradd", "id", "mvn", "blkid", "mkfs.xfs", "mount", "mountpoint", "chown"),
    *("systemctl", "docker", "aws"),
)


@dataclass(frozen=True)
class Machine:
    """One instance below a folder of ours; `world` holds what its commands did."""

    root: Path
    environment: dict[str, str]

    @property
    def world(self) -> Path:
        return self.root / "world"

    def boot(self) -> bool:
        """Run the boot script once, as its unit does; return whether it succeeded."""
        script = Path(self.environment["SCRIPTS"]) / "boot.sh"
        return subprocess.run((str(script),), env=self.environment).returncode == 0

    def fail_once(self, command: str) -> None:
        (self.world / "fail_once").write_text(command)

    def calls(self, command: str) -> list[str]:
        log = (self.world / "calls").read_text().splitlines()
        return [call.partition(" ")[2] for call in log if call.partition(" ")[0] == command]

    @property
    def started(self) -> list[str]:
        start = "enable --now --no-block "
        return [
            each.removeprefix(start) for each in self.calls("systemctl") if each.startswith(start)
        ]

    @property
    def is_ready(self) -> bool:
        return Path(self.environment["STATE_DIRECTORY"], "ready").exists()


def machine(root: Path, files: tuple[str, ...], environment: dict[str, str]) -> Machine:
    write_files(user_data(files, environment), root)
    for folder in ("world", "commands", "state", "devices"):
        (root / folder).mkdir()
    for command in COMMANDS:
        (root / "commands" / command).write_text(STAND_IN)
        (root / "commands" / command).chmod(0o755)
    changed = {
        "PATH": f"{root}/commands:/usr/bin:/bin",
        "WORLD": str(root / "world"),
        "SCRIPTS": str(root / SCRIPTS.lstrip("/")),
        "STATE_DIRECTORY": str(root / "state"),
        "DEVICES": str(root / "devices"),
        "FSTAB": str(root / "fstab"),
    }
    for name in ("KAFKA_LIBS", "KAFKA_MOUNT", "CLIP"):
        if name in environment:
            changed[name] = str(root / environment[name].lstrip("/"))
    return Machine(root, environment | changed)


@pytest.fixture
def broker_machine(tmp_path: Path) -> Machine:
    booting = machine(tmp_path, BROKER_FILES, broker_environment(NAMES, "r", "vol-0123", ()))
    (tmp_path / "devices" / VOLUME).touch()
    jars = Path(booting.environment["SCRIPTS"], "kafka-jars.sha256")
    jars.write_text(f"{hashlib.sha256(JAR).hexdigest()}  org/apache/kafka/1/kafka.jar\n")
    return booting


@pytest.fixture
def camera_machine(tmp_path: Path) -> Machine:
    return machine(
        tmp_path, CAMERA_FILES, camera_environment(NAMES, "r", "s3://models/clip.mp4", ())
    )


def test_a_broker_that_booted_has_its_packages_its_user_its_volume_and_its_service(
    broker_machine: Machine,
) -> None:
    assert broker_machine.boot()
    assert broker_machine.calls("dnf") == [
        "install --assumeyes --quiet java-17-amazon-corretto-headless maven maven-amazon-corretto17"
    ]
    mount = broker_machine.environment["KAFKA_MOUNT"]
    device = broker_machine.root / "devices" / VOLUME
    assert broker_machine.calls("mount") == [mount]
    assert (broker_machine.root / "fstab").read_text() == (
        f"{device} {mount} xfs defaults,noatime,nofail,x-systemd.growfs 0 2\n"
    )
    assert broker_machine.started == ["kafka.service"]
    assert broker_machine.is_ready


def test_a_camera_that_booted_has_its_image_its_clip_and_its_service(
    camera_machine: Machine,
) -> None:
    assert camera_machine.boot()
    assert camera_machine.calls("docker") == ["pull --quiet bluenviron/mediamtx:1.15.3-ffmpeg"]
    assert Path(camera_machine.environment["CLIP"]).read_text() == "a clip"
    assert camera_machine.started == ["camera.service"]
    assert camera_machine.is_ready


def boots_at_the_second_attempt(booting: Machine, failing: str) -> None:
    booting.fail_once(failing)
    assert not booting.boot()
    assert not booting.is_ready
    assert not booting.started or failing == "systemctl"
    assert booting.boot()
    assert booting.is_ready


@pytest.mark.parametrize(
    "failing", ["dnf", "useradd", "mvn", "mkfs.xfs", "mount", "chown", "systemctl"]
)
def test_a_broker_goes_on_where_a_command_failed(broker_machine: Machine, failing: str) -> None:
    boots_at_the_second_attempt(broker_machine, failing)
    assert broker_machine.started[-1] == "kafka.service"


@pytest.mark.parametrize("failing", ["dnf", "systemctl", "docker", "aws"])
def test_a_camera_goes_on_where_a_command_failed(camera_machine: Machine, failing: str) -> None:
    boots_at_the_second_attempt(camera_machine, failing)
    assert camera_machine.started[-1] == "camera.service"


def test_a_second_boot_adds_nothing_to_the_first(broker_machine: Machine) -> None:
    assert broker_machine.boot()
    fstab = (broker_machine.root / "fstab").read_text()
    fetched = broker_machine.calls("mvn")
    assert broker_machine.boot()
    assert (broker_machine.root / "fstab").read_text() == fstab
    assert broker_machine.calls("mvn") == fetched
    for command in ("useradd", "mkfs.xfs", "mount"):
        assert len(broker_machine.calls(command)) == 1, command


def test_a_volume_that_is_not_attached_yet_is_waited_for_and_nothing_is_made_in_its_place(
    broker_machine: Machine,
) -> None:
    device = broker_machine.root / "devices" / VOLUME
    device.unlink()
    assert not broker_machine.boot()
    assert not broker_machine.calls("mkfs.xfs")
    device.touch()
    assert broker_machine.boot()


def test_a_jar_that_was_cut_short_is_fetched_anew(broker_machine: Machine) -> None:
    libraries = Path(broker_machine.environment["KAFKA_LIBS"])
    libraries.mkdir(parents=True)
    # A Maven that leaves alone what is there.
    stand_in = broker_machine.root / "commands" / "mvn"
    stand_in.write_text(
        '#!/bin/sh\ntest -f "${KAFKA_LIBS}/kafka.jar" || printf "a jar" >"${KAFKA_LIBS}/kafka.jar"'
    )
    (libraries / "kafka.jar").write_bytes(JAR[:3])
    assert not broker_machine.boot()
    assert broker_machine.boot()
    assert (libraries / "kafka.jar").read_bytes() == JAR


def test_cloud_init_starts_a_unit_that_goes_on_trying_and_does_not_wait_for_it() -> None:
    for files in (BROKER_FILES, CAMERA_FILES):
        assert cloud_config(user_data(files, {}))["runcmd"] == [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "--no-block", BOOT_UNIT],
        ]
    unit = (TEMPLATES / BOOT_UNIT).read_text().splitlines()
    assert {"Type=oneshot", "Restart=on-failure", "StartLimitIntervalSec=0"} <= set(unit)
    # What boot.sh leaves behind at its end keeps the unit from running at the next boot.
    assert {"StateDirectory=framerail", "ConditionPathExists=!/var/lib/framerail/ready"} <= set(
        unit
    )


def verified(folder: Path, change: Callable[[str], str]) -> str:
    """What systemd says of our units, once their programs are where this machine has them."""
    (folder / "docker.service").write_text("[Service]\nExecStart=/bin/true\n")
    units = sorted(TEMPLATES.glob("*.service"))
    for unit in units:
        text = unit.read_text().replace(f"{SCRIPTS}/", f"{TEMPLATES}/")
        (folder / unit.name).write_text(change(re.sub(r"/usr/bin/docker", "/bin/true", text)))
    names = [str(folder / unit.name) for unit in units]
    told = subprocess.run(
        ("systemd-analyze", "verify", "--man=no", *names), capture_output=True, text=True
    )
    return told.stderr if told.returncode or told.stderr else "accepted"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_our_units(tmp_path: Path) -> None:
    assert verified(tmp_path, lambda text: text) == "accepted"
    # The check finds what it has to: a oneshot that is always restarted is refused.
    said = verified(tmp_path, lambda text: text.replace("Restart=on-failure", "Restart=always"))
    assert "isn't allowed for Type=oneshot" in said

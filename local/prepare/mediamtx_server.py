"""MediaMTX: the one on PATH, or built from its published Go module."""

import json
import shutil
from pathlib import Path

from local.errors import PrepareError
from local.part import Report
from local.prepare import toolchains
from local.prepare.cache import build_once
from local.prepare.commands import run_tool

MODULE = "github.com/bluenviron/mediamtx"
VERSION = "v1.15.3"


def prepare_mediamtx(cache: Path, report: Report) -> Path:
    """Return the path of a `mediamtx`, built (one to two minutes) the first time.

    Raises PrepareError if Go is missing, or the download or the build fails.
    """
    on_path = shutil.which("mediamtx")
    if on_path is not None:
        return Path(on_path)
    name = f"mediamtx-{VERSION}"
    home = build_once(cache, name, lambda folder: _build(folder, cache, report), report)
    return home / "mediamtx"


def _build(folder: Path, cache: Path, report: Report) -> None:
    go = str(toolchains.find(toolchains.GO, cache, report))
    report("mediamtx", f"fetching {MODULE}@{VERSION}")
    fetch = (go, "mod", "download", "-json", f"{MODULE}@{VERSION}")
    # Away from any go.mod, and with the Go that was found: no other is fetched behind our back.
    environment = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    said = run_tool("mediamtx", fetch, report, working_directory=folder, environment=environment)
    source = folder / "source"
    shutil.copytree(module_folder(said), source, copy_function=shutil.copyfile)
    _add_generated_files(source)
    report("mediamtx", "building; one to two minutes the first time")
    build = (go, "build", "-v", "-trimpath", "-ldflags=-s -w", "-o", f"{folder}/mediamtx", ".")
    run_tool("mediamtx", build, report, working_directory=source, environment=environment)
    shutil.rmtree(source)


def module_folder(said: str) -> Path:
    """Return where `go mod download -json` put the module, from what it said.

    Raises PrepareError if it does not say.
    """
    try:
        document, _ = json.JSONDecoder().raw_decode(said[max(said.find("{"), 0) :])
        return Path(document["Dir"])
    except (json.JSONDecodeError, KeyError) as error:
        raise PrepareError(f"go mod download did not say where {MODULE} is: {said}") from error


def _add_generated_files(source: Path) -> None:
    # `go generate` makes these two in a checkout and the module lacks them; HLS stays off here,
    # so its script may be empty.
    for folder in (source, *(path for path in source.rglob("*") if path.is_dir())):
        folder.chmod(0o755)  # the module cache is read-only
    (source / "internal/core/VERSION").write_text(VERSION, encoding="ascii")
    (source / "internal/servers/hls/hls.min.js").touch()

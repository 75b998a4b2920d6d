"""Reads `streams.yaml`, checked whole: every mistake in it is told at once."""

import re
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from contracts.names import STREAM_ID_PATTERN
from runtime.errors import ConfigurationError
from runtime.logs import redacted

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCHEMES = ("rtsp", "rtsps")
_NO_PLACE_IN_URLS = re.compile(r"[\s\x00-\x1f\x7f]")
_AT_BEHIND_HOST = re.compile(r"[^/?#]*//[^/?#]*[/?#].*@", re.DOTALL)
_AMBIGUOUS = "ambiguous_url"
MAX_FILE_BYTES = 1024 * 1024
"""Some thousands of cameras."""
_WRONG_TAGS = (AttributeError, LookupError, OverflowError, TypeError)
"""What PyYAML's constructors fail with where a tag says what the value is not, as `!!int x`."""


class StreamSpec(BaseModel):
    """One camera: `url` may hold a password and is never shown; `max_width` is in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str = Field(pattern=rf"^{STREAM_ID_PATTERN}$")
    url: str = Field(repr=False)
    max_fps: float | None = Field(default=None, gt=0, le=240, allow_inf_nan=False)
    max_width: int | None = Field(default=None, ge=16, le=16384)
    jpeg_quality: int | None = Field(default=None, ge=1, le=100)

    @field_validator("url")
    @classmethod
    def _is_reachable(cls, url: str) -> str:
        if _AT_BEHIND_HOST.match(url):
            raise PydanticCustomError(
                _AMBIGUOUS,
                "an '@' comes after a '/', '?' or '#': percent-encode '@', '/', '?' and '#' in "
                "user and password (%40, %2F, %3F, %23), and an '@' behind the host (%40)",
            )
        try:
            parts = urlsplit(url)
            is_port_valid = parts.port != 0
        except ValueError:
            # Not the parser's own words: they quote the port, which may be half a password.
            raise ValueError(
                "no valid URL: check its port, its brackets, and that a password with "
                "special characters is quoted or comes from a variable"
            ) from None
        if parts.scheme not in _SCHEMES:
            raise ValueError("expected rtsp:// or rtsps://")
        if not parts.hostname or not is_port_valid or _NO_PLACE_IN_URLS.search(url):
            raise ValueError("expected rtsp://host[:port]/path")
        if not _can_be_looked_up(parts.hostname):
            raise ValueError(
                "expected a host name whose parts between dots have 1 to 63 characters"
            )
        return url


def _can_be_looked_up(host: str) -> bool:
    # As `socket` and `ssl` encode it, which fail with no OSError where it cannot be.
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


class _UniqueKeys(yaml.SafeLoader):
    """YAML forbids a key twice in one mapping; PyYAML silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"{_shown(key)} twice", problem_mark=key_node.start_mark
                )
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)


def read_streams(path: Path, environment: Mapping[str, str]) -> tuple[StreamSpec, ...]:
    """Read and check a streams file; raise ConfigurationError with every mistake in it."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"streams file {path}: cannot be read ({error.strerror}); "
            "streams.example.yaml shows how it looks"
        ) from error
    try:
        return parse_streams(text, environment)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def parse_streams(text: bytes, environment: Mapping[str, str]) -> tuple[StreamSpec, ...]:
    """Return the streams of a file; `${NAME}` in a URL is taken from the environment.

    A value that stands before the `@` of a URL is quoted, so a password may hold any character.
    Raises ConfigurationError that lists every mistake, with the stream, field, value and what was
    expected; a URL is shown without its user and password.
    """
    streams = _listed(_loaded(text))
    mistakes: list[str] = []
    specs: list[StreamSpec] = []
    for index, stream in enumerate(streams):
        try:
            specs.append(_spec(stream, environment))
        except _Mistakes as found:
            mistakes += [f"{_place(index, stream)}: {problem}" for problem in found.problems]
    mistakes += _duplicates(streams)
    if mistakes:
        lines = "\n  ".join(mistakes)
        raise ConfigurationError(f"{len(mistakes)} mistake(s):\n  {lines}")
    return tuple(specs)


def read_url(url: str, environment: Mapping[str, str]) -> str:
    """Return the URL of one camera, given as in a streams file, with its variables filled in.

    Raises ConfigurationError, which shows no user and no password.
    """
    try:
        return _spec({"id": "camera", "url": url}, environment).url
    except _Mistakes as found:
        raise ConfigurationError("; ".join(found.problems)) from None


class _Mistakes(Exception):
    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems


def _loaded(text: bytes) -> Any:
    if len(text) > MAX_FILE_BYTES:
        raise ConfigurationError(f"{len(text)} bytes: more than {MAX_FILE_BYTES} are not read")
    try:
        return yaml.load(text.decode("utf-8-sig"), _UniqueKeys)  # noqa: S506  # a SafeLoader
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"not UTF-8 at byte {error.start}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
        raise ConfigurationError(f"no valid YAML{where}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError, *_WRONG_TAGS) as error:
        raise ConfigurationError(f"no valid YAML: {error}") from None


def _listed(document: Any) -> list[Any]:
    if not isinstance(document, dict):
        found = "nothing" if document is None else f"a {type(document).__name__}"
        raise ConfigurationError(
            f"the file holds {found}: expected a mapping with the key 'streams'"
        )
    unknown = [_shown(key) for key in document if key != "streams"]
    streams = document.get("streams")
    problems = [f"unknown key {key}: expected only 'streams'" for key in unknown]
    if not isinstance(streams, list) or not streams:
        problems.append("streams: expected a list of at least one stream")
    if problems or not isinstance(streams, list):
        raise ConfigurationError("; ".join(problems))
    return streams


def _spec(stream: Any, environment: Mapping[str, str]) -> StreamSpec:
    if not isinstance(stream, dict):
        raise _Mistakes([f"is a {type(stream).__name__}: expected a mapping with 'id' and 'url'"])
    problems: list[str] = []
    filled = dict(stream)
    if isinstance(stream.get("url"), str):
        filled["url"], problems = _substituted(stream["url"], environment)
    try:
        spec = StreamSpec.model_validate(filled)
    except ValidationError as error:
        told = set() if not problems else {"url"}
        problems += [text for field, text in _problems(error, stream) if field not in told]
        raise _Mistakes(problems) from None
    if problems:
        raise _Mistakes(problems)
    return spec


def _problems(error: ValidationError, stream: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for problem in error.errors(include_url=False, include_input=False):
        field = str(problem["loc"][0]) if problem["loc"] else ""
        expected = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            yield field, f"{field} is missing"
        elif problem["type"] == "extra_forbidden":
            known = ", ".join(StreamSpec.model_fields)
            yield field, f"unknown key {_shown(field)}: expected one of {known}"
        elif problem["type"] == _AMBIGUOUS:
            # Not shown: which part of it is the password cannot be told.
            yield field, f"{field}: {expected}"
        else:
            yield field, f"{field} is {_shown(stream[field])}: {_expectation(field, expected)}"


def _expectation(field: str, message: str) -> str:
    if field == "id" and message.startswith("String should match"):
        return "expected 1 to 63 of a-z, 0-9 and '-', not starting with '-'"
    return message


def _substituted(url: str, environment: Mapping[str, str]) -> tuple[str, list[str]]:
    problems: list[str] = []
    credentials_end = url.rfind("@") if _VARIABLE.match(url) is None else -1

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if not _NAME.fullmatch(name) or name not in environment:
            problems.append(f"url names the variable ${{{name}}}, which is not set")
            return ""
        if match.end() <= credentials_end:
            return quote(environment[name], safe=":")
        return environment[name]

    return _VARIABLE.sub(value, url), problems


def _duplicates(streams: list[Any]) -> list[str]:
    first_index: dict[str, int] = {}
    mistakes = []
    for index, stream in enumerate(streams):
        stream_id = stream.get("id") if isinstance(stream, dict) else None
        if not isinstance(stream_id, str):
            continue
        if stream_id in first_index:
            before = first_index[stream_id]
            mistakes.append(f"{_place(index, stream)}: id is that of streams[{before}] too")
        first_index.setdefault(stream_id, index)
    return mistakes


def _place(index: int, stream: Any) -> str:
    stream_id = stream.get("id") if isinstance(stream, dict) else None
    return f"streams[{index}]" + (
        f" ({_shown(stream_id)[1:-1]})" if isinstance(stream_id, str) else ""
    )


def _shown(value: Any) -> str:
    # A password may stand before any "@", in a URL without a scheme too.
    # The text of a list that holds one list a million times, as aliases may, fills the memory.
    text = f"a {type(value).__name__}" if isinstance(value, dict | list | set) else repr(value)
    before, at, after = text.rpartition("@")
    scheme, slashes, _ = before.partition("//")
    kept = (scheme + slashes if slashes else before[:1]) + "***" if at else ""
    return redacted(kept + at + after)[:200]

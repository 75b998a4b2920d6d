"""Logs: one event a line, values as keys, JSON where no terminal reads them."""

import logging
import re
import sys
import time
from collections.abc import Mapping

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from runtime.settings import ServiceSettings
from runtime.storms import StormFold

Logger = FilteringBoundLogger

MAX_VALUE_CHARS = 8192
"""Of one value in a line of the log. A value may come from a record of megabytes; a traceback of
ours takes 3000."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,31}://", re.IGNORECASE)
_WORD_REST = re.compile(r"\S*")
_USER_AND_COLON = re.compile(r"[^/\s@]*:")
_HOST = re.compile(r"[^/\s?#]*")
# In a path too: some cameras are asked for /user=admin_password=..._channel=1.
_QUERY_SECRET = re.compile(
    r"([?&;/][\w.=-]*(?:password|passwd|pwd|pass|token|key|secret)=)[^&\s]*", re.IGNORECASE
)


def redacted(text: str) -> str:
    """Return `text` with the credentials of every URL in it replaced by `***`.

    Those are what stands before its host, and the values of its path and query that are named as
    secrets.
    """
    return _QUERY_SECRET.sub(r"\1***", _without_user_info(text))


def _without_user_info(text: str) -> str:
    kept, at = [], 0
    while (scheme := _SCHEME.search(text, at)) is not None:
        begin = scheme.end()
        secret_end = _user_info_end(text, begin)
        kept += [text[at:begin], "" if secret_end is None else "***"]
        at = begin if secret_end is None else secret_end
    return "".join([*kept, text[at:]])


def _user_info_end(text: str, begin: int) -> int | None:
    """Return where the user and password of the URL end whose scheme ends at `begin`, if any."""
    if _USER_AND_COLON.match(text, begin):
        # The password may hold "/" and "@" that should have been escaped: up to the last "@".
        end = _end(_WORD_REST, text, begin)
    else:
        end = _end(_HOST, text, begin)
    found = text.rfind("@", begin, end)
    return None if found < 0 else found


def _end(pattern: re.Pattern[str], text: str, begin: int) -> int:
    found = pattern.match(text, begin)
    return begin if found is None else found.end()


def _redact_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: _shown(value) for key, value in event.items()}


def _shown(value: object) -> object:
    """Return a value of a log line, redacted whatever it is, and no longer than may be."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redacted(_cut(str(key))): _shown(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(one) for one in value]
    return redacted(_cut(value if isinstance(value, str) else repr(value)))


def _cut(text: str) -> str:
    if len(text) <= MAX_VALUE_CHARS:
        return text
    head = text[:MAX_VALUE_CHARS]
    # Of a URL that is cut in two, the half that is left may be its password.
    words = max(head.rfind(" "), head.rfind("\n"))
    url = head.find("://", words + 1)
    kept = head if url < 0 else head[: url + len("://")]
    return f"{kept}... ({len(text)} characters)"


def configure_logs(settings: ServiceSettings, service: str) -> None:
    """Send framerail's events and the libraries' warnings to standard error."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    is_console = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    structlog.configure(
        processors=_processors(is_console),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(handlers=[_LibraryHandler()], level=max(level, logging.WARNING), force=True)


def _processors(is_console: bool) -> list[Processor]:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        # Last, so that a traceback or a library's message cannot carry a password past it.
        _redact_values,
    ]
    if is_console:
        return [*shared, structlog.dev.ConsoleRenderer()]
    return [*shared, structlog.processors.JSONRenderer()]


class _LibraryHandler(logging.Handler):
    """Hands the records of libraries to structlog: one shape, one redaction, storms folded."""

    def __init__(self) -> None:
        super().__init__()
        self._fold = StormFold(time.monotonic)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record of a library as an event, unless an equal one was written lately.

        Records of one template are equal: kafka-python says twice a second that a broker is away.
        """
        unsaid = self._fold.admit((record.name, record.msg))
        if unsaid is not None:
            structlog.get_logger().log(
                record.levelno,
                "library.message",
                library=record.name,
                message=record.getMessage(),
                unsaid=unsaid,
            )


def get_logger(**values: object) -> Logger:
    """Return a logger whose every line carries `values`."""
    logger: Logger = structlog.get_logger(**values)
    return logger

"""Logs: one event a line, values as keys, JSON where no terminal reads them."""

import logging
import re
import sys
import time

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from runtime.settings import ServiceSettings
from runtime.storms import StormFold

Logger = FilteringBoundLogger

# The password may hold "/" and "@" where they should have been escaped: up to the last "@".
_USER_INFO = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^/\s@]*:\S*|[^/\s?#]+)@", re.IGNORECASE)
_QUERY_SECRET = re.compile(
    r"([?&;][\w.-]*(?:password|passwd|pwd|pass|token|key|secret)=)[^&\s]*", re.IGNORECASE
)


def redacted(text: str) -> str:
    """Return `text` with the credentials of every URL in it replaced by `***`.

    Those are what stands before its host, and the values of its query that are named as secrets.
    """
    return _QUERY_SECRET.sub(r"\1***", _USER_INFO.sub(r"\1***@", text))


def _redact_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: redacted(v) if isinstance(v, str) else v for key, v in event.items()}


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

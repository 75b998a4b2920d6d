"""The two ends of a window as a person types them."""

from datetime import UTC, datetime

from consumer.replaying.window import Edge, Moment, Offset, iso_utc
from ops.moments import epoch_ms, moment_of
from runtime.errors import ConfigurationError

NS_PER_MS = 1_000_000


def edge(option: str, time: str | None, offset: int | None, now: datetime) -> Edge:
    """Return one end of a window: `--<option>` or `--<option>-offset`, whichever was given.

    Raises ConfigurationError if none or both were, or if the time is none.
    """
    if offset is not None and time is None:
        return Offset(offset)
    if time is not None and offset is None:
        return Moment(epoch_ms(moment_of(time, now)))
    raise ConfigurationError(f"give one of --{option} and --{option}-offset")


def iso_utc_of_ns(captured_ns: int) -> str:
    """Return a time of capture as ISO 8601 in UTC, to the millisecond."""
    return iso_utc(captured_ns // NS_PER_MS)


def default_name(stream_id: str, version: str, now: datetime) -> str:
    """Return the name of a replay that was given none; its time is UTC."""
    return f"{stream_id}-v{version}-{now.astimezone(UTC):%Y%m%dT%H%M%S}"

"""The metrics of the services that the viewer reads, and their text as samples. Pure."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from contracts.names import STREAM_ID_PATTERN
from viewer.history import MAX_STREAMS

CAPTURED = "framerail_frames_captured_total"
PUBLISHED = "framerail_frames_published_total"
DROPPED = "framerail_frames_dropped_total"
RECONNECTS = "framerail_stream_reconnects_total"
INFERRED = "framerail_frames_inferred_total"
EVIDENCE = "framerail_evidence_stored_total"

CONNECTED = "framerail_stream_connected"
BUFFERED = "framerail_buffer_frames"
BATCHES_IN_FLIGHT = "framerail_batches_in_flight"
RESULTS_IN_FLIGHT = "framerail_results_in_flight"
READY = "framerail_ready"

CAPTURED_AT = "framerail_captured_timestamp_seconds"
PUBLISHED_AT = "framerail_published_timestamp_seconds"
INFERRED_AT = "framerail_inferred_timestamp_seconds"
STORED_AT = "framerail_stored_timestamp_seconds"

COUNTERS = frozenset({CAPTURED, PUBLISHED, DROPPED, RECONNECTS, INFERRED, EVIDENCE})
GAUGES = frozenset(
    {
        *(CONNECTED, BUFFERED, BATCHES_IN_FLIGHT, RESULTS_IN_FLIGHT, READY),
        *(CAPTURED_AT, PUBLISHED_AT, INFERRED_AT, STORED_AT),
    }
)

SAMPLES_A_STREAM = 14
"""A producer tells 12: six of its own and one a reason to drop."""
MAX_SAMPLES = MAX_STREAMS * SAMPLES_A_STREAM
"""Of one process: a producer of as many streams as are shown. 6144 samples are parsed in 0.1 s, in
which nothing else is served."""

_STREAM = re.compile(STREAM_ID_PATTERN)
_REASON = re.compile(r"[a-z_]{1,32}")
_WANTED = tuple(name + after for name in sorted(COUNTERS | GAUGES) for after in ("{", " "))


class Series(NamedTuple):
    """One number of one process: `stream` and `reason` are empty where it has no such label."""

    family: str
    stream: str = ""
    reason: str = ""


Samples = dict[Series, float]


def read_samples(text: str) -> Samples:
    """Return the samples that the viewer reads, of a text in Prometheus' format.

    A stream or reason that cannot be one, and a number that is none, are left out. Raises
    ValueError for a text that is no metrics, or that holds more than MAX_SAMPLES.
    """
    # Of 64 streams a producer tells some 3000 lines, most of them of histograms: the parser is in
    # Python and takes 10 microseconds a line.
    wanted = [line for line in text.splitlines() if line.startswith(_WANTED)]
    if len(wanted) > MAX_SAMPLES:
        raise ValueError(f"{len(wanted)} samples: more than {MAX_SAMPLES} are not read")
    try:
        return dict(_known(wanted))
    except (IndexError, KeyError) as error:  # the parser's, of a label without a name
        raise ValueError(f"no metrics: {error!r}") from error


def _known(lines: list[str]) -> Iterator[tuple[Series, float]]:
    for family in text_string_to_metric_families("\n".join(lines)):
        for sample in family.samples:
            series = _series(sample)
            if series is not None and math.isfinite(sample.value):
                yield series, float(sample.value)


def _series(sample: Sample) -> Series | None:
    stream = sample.labels.get("stream", "")
    reason = sample.labels.get("reason", "")
    if stream and not _STREAM.fullmatch(stream):
        return None
    if reason and not _REASON.fullmatch(reason):
        return None
    return Series(sample.name, stream, reason)

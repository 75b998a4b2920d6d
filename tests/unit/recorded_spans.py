"""Spans kept in memory by the real SDK, and read as tests speak of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, StatusCode

from runtime.otel import Tracer

REMOTE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""W3C's own example of a sampled span."""
REMOTE_TRACE, REMOTE_SPAN = REMOTE.split("-")[1:3]


@dataclass(frozen=True)
class Recorded:
    """What was sent of one trace or several, in order of start."""

    spans: Sequence[ReadableSpan]

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def one(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def parent_of(self, name: str) -> str | None:
        """Return the name of a span's parent, None for the first of a trace."""
        parent = self.one(name).parent
        if parent is None:
            return None
        named = {context_of(span).span_id: span.name for span in self.spans}
        return named.get(parent.span_id, "remote")


class Recorder:
    """A tracer, and what it sent."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer = Tracer(self._exporter, "test")

    def recorded(self) -> Recorded:
        """Close the tracer and return all that it sent."""
        self.tracer.close(10)
        spans = self._exporter.get_finished_spans()
        return Recorded(sorted(spans, key=lambda span: span.start_time or 0))


def context_of(span: ReadableSpan | Link) -> SpanContext:
    assert span.context is not None
    return span.context


def ids(span: ReadableSpan | Link) -> tuple[str, str]:
    """Return trace id and span id as W3C writes them."""
    context = context_of(span)
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def traceparent_ids(traceparent: str | None) -> tuple[str, str]:
    assert traceparent is not None
    _, trace_id, span_id, _ = traceparent.split("-")
    return trace_id, span_id


def is_failed(span: ReadableSpan) -> bool:
    return span.status.status_code is StatusCode.ERROR


def known(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})

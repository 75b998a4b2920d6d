"""Traces: steps of a sampled frame's way, told to OpenTelemetry, and to nobody where that is off.

A span is current in one thread, for the length of a block. What calls `step` needs not know whether
anything is traced: without a current span it does nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

import structlog

from runtime.settings import ServiceSettings
from runtime.stop import StopSignal

if TYPE_CHECKING:
    from runtime.otel import Span, Tracer

Kind = Literal["internal", "producer", "consumer", "client"]
"""OpenTelemetry's kinds of span, without `server`: no service of ours answers a call."""
Attributes = Mapping[str, str | int | float | bool]

FLUSH_S = 2.0
"""What the last spans may add to a stop."""

_current: ContextVar["Span | None"] = ContextVar("current span", default=None)


@contextmanager
def tracing(settings: ServiceSettings, service: str, stop: StopSignal) -> Iterator["Tracer | None"]:
    """Yield what starts spans, None where traces are off; at the end send what waits.

    That takes FLUSH_S seconds at most, and no longer than is left of the time to stop.
    """
    endpoint = settings.traces_endpoint
    if endpoint is None:
        yield None
        return
    # Here, not above: 10 MB and up to a second for services that trace nothing.
    from runtime.otel import Tracer

    tracer = Tracer.connect(endpoint.get_secret_value(), service)
    try:
        yield tracer
    finally:
        left_s = settings.stop_timeout_s - stop.elapsed_s
        tracer.close(min(max(left_s, 0.0), FLUSH_S))


@contextmanager
def within(span: "Span") -> Iterator[None]:
    """Make a span the current one; log lines written meanwhile carry the id of its trace."""
    before = _current.set(span)
    try:
        with structlog.contextvars.bound_contextvars(trace_id=span.trace_id):
            yield
    finally:
        _current.reset(before)


@contextmanager
def spanning(span: "Span") -> Iterator[None]:
    """Make a span the current one and end it; an exception marks it as failed, and goes on."""
    try:
        with within(span):
            yield
    except Exception as error:
        span.fail(str(error), type(error).__name__)
        raise
    finally:
        span.end()


@contextmanager
def step(
    name: str, kind: Kind = "internal", attributes: Attributes | None = None
) -> Iterator[None]:
    """Tell of one step of what is current; an exception marks it as failed, and goes on."""
    parent = _current.get()
    if parent is None:
        yield
        return
    with spanning(parent.child(name, kind, attributes)):
        yield


def mark_failed(reason: str, error_type: str) -> None:
    """Mark what is current as failed; do nothing where nothing is."""
    span = _current.get()
    if span is not None:
        span.fail(reason, error_type)

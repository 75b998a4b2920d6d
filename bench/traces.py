"""`python -m bench.traces`: what traces cost, off and on, in CPU time of the thread that pays it.

Each figure is the least of several runs: other work on the machine only ever adds. No server is
needed; spans go to a listener of this process, whose own work is left out.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
from kafka import TopicPartition

from consumer.batches import Batch
from consumer.frame import FetchedFrame, FrameSource
from consumer.tracing import TracedWorker
from consumer.worker import BatchOutcome
from contracts.frames import FrameHeaders
from contracts.results import BatchResult, FrameResult, Model, Source, Timings
from postproc.pictures import Picture
from postproc.records import ResultRecord
from postproc.settings import PostprocSettings
from postproc.tracing import TracedResults, TracedStore
from producer.frames import DecodedFrame, EncodedFrame
from producer.sampling import FrameSampler
from runtime.tracing import step

if TYPE_CHECKING:
    from runtime.otel import Tracer

RUNS, BATCH, TOPIC = 7, 25, "frames.gate"
SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

READY = EncodedFrame(b"jpeg", "session", 0, time.time_ns(), "arrival", (768, 576))
STORED = SimpleNamespace(partition=0, offset=1)
DECODED = DecodedFrame(None, None, time.time_ns(), False, 0.001)
RESULT = BatchResult(
    batch_id=f"{TOPIC}-0-{0:020d}",
    stream_id="gate",
    source=Source(TOPIC, 0, 0, BATCH - 1),
    model=Model("ssd_mobilenet", "2"),
    closed_by="size",
    captured_first_ns=0,
    captured_last_ns=0,
    inferred_ns=0,
    timings=Timings(1, 1, 1),
    frames=tuple(FrameResult(offset, 0) for offset in range(BATCH)),
)
PICTURE = Picture("evidence/gate/2026/01/01/batch/1.jpg", b"jpeg", {})


def main() -> None:
    """Print each figure on a line of its own."""
    logging.disable()  # spans that do not fit into the queue are no news here
    _print("off: a step of the consumer or the post-processor", cpu_us(_a_step, 100_000), "us")
    _print("off: a frame in the producer", cpu_us(lambda: _publish(READY), 100_000), "us")
    begun_s = time.process_time()
    import runtime.otel

    with _Listener() as listener:
        tracer = runtime.otel.Tracer.connect(listener.endpoint, "bench")
        _print("on: once", (time.process_time() - begun_s) * 1e3, "ms")
        _measure_services(tracer)
        tracer.close(0)
        _measure_sending(listener.endpoint)


def _measure_services(tracer: "Tracer") -> None:
    never, always = FrameSampler(tracer, "gate", 1e9), FrameSampler(tracer, "gate", 0)
    never.traced(DECODED, READY, 0.001, 0.0)
    for chosen, sampler, times in (("not chosen", never, 100_000), ("chosen", always, 2_000)):
        _print(f"on: a frame that is {chosen}, producer", cpu_us(_capture(sampler), times), "us")
    work = TracedWorker(lambda batch: BatchOutcome(RESULT, ()), tracer, "consumer")
    for chosen, traceparent, times in (("not traced", None, 20_000), ("traced", SAMPLED, 1_000)):
        infer = _infer(work, _batch(traceparent))
        _print(f"on: a batch that is {chosen}, consumer", cpu_us(infer, times), "us")
    _print("on: a result that is traced, postproc", cpu_us(_store(tracer), 1_000), "us")


def _measure_sending(endpoint: str) -> None:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from runtime.otel import Tracer, traces_url

    kept = InMemorySpanExporter()
    tracer = Tracer(kept, "bench")
    _capture(FrameSampler(tracer, "gate", 0))()
    tracer.close(10)
    spans = kept.get_finished_spans()
    _print("on: to encode a span", cpu_us(lambda: encode_spans(spans), 500) / len(spans), "us")
    _print("on: a span", encode_spans(spans).ByteSize() / len(spans), "bytes")
    exporter = OTLPSpanExporter(endpoint=traces_url(endpoint))
    _print("on: a request of one span", cpu_us(lambda: exporter.export(spans[:1]), 100), "us")


def cpu_us(work: Callable[[], object], times: int) -> float:
    """Return the CPU time of one call in microseconds, the least of RUNS runs."""
    least_s = float("inf")
    for _ in range(RUNS):
        begun_s = time.thread_time()
        for _ in range(times):
            work()
        least_s = min(least_s, time.thread_time() - begun_s)
    return least_s / times * 1e6


def _a_step() -> None:
    with step("decode"):
        pass


def _publish(frame: EncodedFrame) -> None:
    frame.trace.send(TOPIC, len(frame.jpeg))
    frame.trace.stored(STORED)


def _capture(sampler: FrameSampler) -> Callable[[], None]:
    return lambda: _publish(sampler.traced(DECODED, READY, 0.001, 1.0))


def _frame(offset: int, traceparent: str | None) -> FetchedFrame:
    headers = FrameHeaders("session", offset, 0, "arrival", (768, 576), {}, traceparent).encode()
    return FetchedFrame.read(FrameSource(TOPIC, 0), offset, b"", headers, 0, time.time_ns())


def _batch(traceparent: str | None) -> Batch:
    frames = (_frame(offset, traceparent if offset == 5 else None) for offset in range(BATCH))
    return Batch(tuple(frames), "size", 1.0)


def _infer(work: TracedWorker, batch: Batch) -> Callable[[], None]:
    def infer() -> None:
        outcome = work(batch)
        if outcome is not None:
            outcome.trace.sending(outcome.result)
            outcome.trace.stored(STORED)

    return infer


def _store(tracer: "Tracer") -> Callable[[], None]:
    record = ResultRecord(TopicPartition("results", 0), 1, b"gate", b"")
    traced = TracedResults(tracer, "postproc")
    taking = SimpleNamespace(put=lambda picture: None)
    store = TracedStore(taking, PostprocSettings(s3_bucket="evidence"))
    result = msgspec.structs.replace(RESULT, traceparent=SAMPLED)

    def put() -> None:
        with traced(record, result):
            with step("draw"):
                pass
            store.put(PICTURE)

    return put


class _Listener:
    """Takes requests on a free port of 127.0.0.1 for the length of a block."""

    def __enter__(self) -> "_Listener":
        self._server = HTTPServer(("127.0.0.1", 0), _Taking)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take what comes."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


def _print(what: str, figure: float, unit: str) -> None:
    sys.stdout.write(f"{what:<52} {figure:>9.2f} {unit}\n")


if __name__ == "__main__":
    main()

"""Goes on with the trace of a batch to its pictures in S3.

process results     from when work on the result begins to its last picture, or its dead letter
  draw              one for each picture
  S3.PutObject      one for each request, failed ones too
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from contracts.frames import is_replay
from contracts.results import BatchResult
from postproc.patience import EvidenceStore
from postproc.pictures import Picture
from postproc.records import ResultRecord
from postproc.settings import PostprocSettings
from runtime.tracing import spanning, step

if TYPE_CHECKING:
    from runtime.otel import Tracer


class TracedResults:
    """Tells of the work on results whose batch is traced."""

    def __init__(self, tracer: "Tracer", group: str) -> None:
        self._tracer = tracer
        self._group = group

    @contextmanager
    def __call__(self, record: ResultRecord, result: BatchResult) -> Iterator[None]:
        """Tell of the work that is done on a result within the block."""
        origin = self._tracer.origin(result.traceparent)
        if origin is None:
            yield
            return
        facts = self._facts(record, result)
        name = f"process {record.partition.topic}"
        if is_replay(record.headers):
            # Put back from the dead letters, hours or days after its own trace has ended.
            span = self._tracer.start(name, "consumer", facts, links=[origin])
        else:
            span = self._tracer.start(name, "consumer", facts, parent=origin)
        with spanning(span):
            yield

    def _facts(self, record: ResultRecord, result: BatchResult) -> dict[str, str | int]:
        return {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": record.partition.topic,
            "messaging.destination.partition.id": str(record.partition.partition),
            "messaging.consumer.group.name": self._group,
            "messaging.kafka.offset": record.offset,
            "messaging.message.body.size": len(record.value or b""),
            "framerail.stream.id": result.stream_id,
            "framerail.batch.id": result.batch_id,
            "framerail.batch.pictures": len(result.evidence),
        }


class TracedStore:
    """Stores pictures, and tells of each request; failed ones too."""

    def __init__(self, store: EvidenceStore, settings: PostprocSettings) -> None:
        self._store = store
        self._facts: dict[str, str | int] = {
            "rpc.system.name": "aws-api",
            "rpc.method": "S3/PutObject",
            "aws.s3.bucket": settings.s3_bucket,
        }

    def put(self, picture: Picture) -> None:
        """Do and raise what the store does."""
        facts = self._facts | {
            "aws.s3.key": picture.key,
            "framerail.picture.jpeg_bytes": len(picture.jpeg),
        }
        with step("S3.PutObject", "client", facts):
            self._store.put(picture)

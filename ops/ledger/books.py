"""The account that a running pipeline is followed by, and its pictures."""

from collections.abc import Callable, Iterator

from ops.ledger.accounts import StreamReport
from ops.ledger.kafka_books import KafkaBooks, Scope
from ops.ledger.latencies import read_latencies
from ops.ledger.tally import StreamTally
from ops.target import Target
from runtime.log_reader import never_stop
from runtime.s3 import explained, place_of


class Books:
    """The account of every stream; each `refresh` reads only what has come since the last.

    Pictures are listed, not asked for one by one: `framerail ledger` does that.
    """

    def __init__(
        self,
        target: Target,
        between_reads: Callable[[], None] = never_stop,
    ) -> None:
        """Connect to Kafka; raise DependencyError if it is away.

        `between_reads` is called while a long read goes on; what it raises ends the read.
        """
        self._kafka = KafkaBooks(target, Scope(), between_reads)
        self._s3 = target.s3()
        self._bucket = target.settings.s3_bucket
        self._place = place_of(target.settings)
        self._metrics_url = target.postproc_metrics_url
        self._tallies: dict[str, StreamTally] = {}

    def close(self) -> None:
        """Leave Kafka."""
        self._kafka.close()

    def refresh(self) -> dict[str, StreamReport]:
        """Return the account of every stream that has a topic.

        Raises DependencyError if Kafka does not answer; errors of S3 are those of `runtime.s3`.
        """
        self._tallies = self._kafka.read()
        with explained(self._place):
            self._list_evidence()
        latencies = read_latencies(self._metrics_url) if self._metrics_url else {}
        return {
            stream_id: tally.report(latencies.get(stream_id))
            for stream_id, tally in sorted(self._tallies.items())
        }

    def pictures(self, stream_id: str) -> Iterator[tuple[str, bytes]]:
        """Yield (key, JPEG) of every picture of a stream, in order of key; raise as `refresh`."""
        for key in sorted(self._tallies[stream_id].evidence_keys):
            with explained(self._place):
                jpeg = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            yield key, jpeg

    def _list_evidence(self) -> None:
        for stream_id, tally in self._tallies.items():
            first = min((promise.key for promise in tally.promises()), default=None)
            if first is not None:
                tally.evidence_keys = set(self._keys(stream_id, first))

    def _keys(self, stream_id: str, first: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"evidence/{stream_id}/", StartAfter=first[:-1]
        )
        try:
            for page in pages:
                yield from (stored["Key"] for stored in page.get("Contents", []))
        except self._s3.exceptions.NoSuchBucket:
            return  # the post-processor has not made it yet

"""Reads batches of records, whoever wrote them: none stops a reader or fills its memory."""

import zlib
from collections.abc import Iterator
from typing import Any

from kafka.errors import CorruptRecordError
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch

from contracts.stand_ins import stand_in_headers

MAX_BATCH_BYTES = 96 * 1024 * 1024
"""Of a batch when decompressed. Our records are smaller, and are not compressed."""
MAX_BATCH_RECORDS = 20_000
"""Our producers put some tens into a batch; 4 MiB of the smallest records are 600,000 objects."""
MAX_HEADERS = 64
"""Of a record. Ours have 8, a dead letter 14; a header may take two bytes, and 120 as an object."""

_GZIP_BITS = 16 + zlib.MAX_WBITS
_STEP_BYTES = 4 * 1024 * 1024


class _Refused(Exception):
    pass


class BoundedBatch(DefaultRecordBatch):  # type: ignore[misc]  # the library has no types
    """kafka-python's batch (3.0.12), whose records without a value stand in for what is not read.

    The library decompresses without a bound (4 MB of gzip may hold 4 GB), and it ends for ever at a
    codec that is not installed or a header whose name is not UTF-8: each service that reads the
    partition would end and start again until the record has expired.
    """

    _buffer: bytearray
    _pos: int
    _decompressed: bool

    def __iter__(self) -> Iterator[Any]:
        """Yield the records. A batch that cannot be read as a whole yields stand-ins for all."""
        try:
            records = self._read()
        except (_Refused, CorruptRecordError) as error:
            records = self._stand_ins(str(error))
        yield from records

    def _read(self) -> list[Any]:
        if self.records_count > MAX_BATCH_RECORDS:
            raise _Refused(f"a batch of {self.records_count} records: above {MAX_BATCH_RECORDS}")
        self._maybe_uncompress()
        records = []
        while self._next_record_index < self._num_records:
            record = self.__next__()
            if len(record.headers) > MAX_HEADERS:
                reason = f"{len(record.headers)} headers: more than {MAX_HEADERS} are not read"
                record = self._stand_in(record.offset, reason)
            records.append(record)
        return records

    def _maybe_uncompress(self) -> None:
        if not self._decompressed and self.compression_type != self.CODEC_NONE:
            if self.compression_type != self.CODEC_GZIP:
                raise _Refused(f"compressed with codec {self.compression_type}: only gzip is read")
            self._buffer = _gunzipped(bytes(memoryview(self._buffer)[self._pos :]))
            self._pos = 0
        self._decompressed = True

    def _stand_ins(self, reason: str) -> list[Any]:
        first = self.base_offset
        if not 0 <= self.last_offset_delta < MAX_BATCH_RECORDS:
            first = self.last_offset  # those before it are told as missing
        return [self._stand_in(offset, reason) for offset in range(first, self.last_offset + 1)]

    def _stand_in(self, offset: int, reason: str) -> Any:
        headers, kind = stand_in_headers(reason), self.timestamp_type
        return DefaultRecord(0, offset, self.max_timestamp, kind, None, None, headers)


def read_batches_within_bounds() -> None:
    """Make every consumer of this process read with BoundedBatch: kafka-python takes no other."""
    memory_records.DefaultRecordBatch = BoundedBatch


def _gunzipped(packed: bytes) -> bytearray:
    """Return what one or more gzip members hold; raise _Refused above MAX_BATCH_BYTES."""
    found, member = bytearray(), zlib.decompressobj(_GZIP_BITS)
    while packed:
        try:
            found += member.decompress(packed, _STEP_BYTES)
        except zlib.error as error:
            raise _Refused(f"damaged gzip: {error}") from error
        if len(found) > MAX_BATCH_BYTES:
            raise _Refused(f"above {MAX_BATCH_BYTES} bytes when decompressed")
        packed = member.unconsumed_tail
        if member.eof:
            packed, member = member.unused_data, zlib.decompressobj(_GZIP_BITS)
    return found

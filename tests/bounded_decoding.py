"""`python -m tests.bounded_decoding consumer|postproc`: what hostile JPEGs cost a service.

Decodes them all with no more room than ROOM_BYTES above what the process has at its start, and
prints a line of JSON for each: its name, what came of it and the seconds that it took.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from consumer.decode import decode_into, frame_size_wh
from postproc.jpegs import decode_jpeg
from runtime.errors import InvalidInput
from tests.jpeg_bombs import allowed, refused

ROOM_BYTES = {"consumer": 128 * 2**20, "postproc": 256 * 2**20}
"""Each of a consumer's 2 threads has 512 MiB to share, each of a post-processor's 4 has 1 GiB."""


def as_consumer(jpeg: bytes) -> None:
    decode_into(jpeg, frame_size_wh(jpeg), np.empty((300, 300, 3), np.uint8))


def as_postproc(jpeg: bytes) -> None:
    decode_jpeg(jpeg, 16 * 2**20)


DECODERS: dict[str, Callable[[bytes], None]] = {"consumer": as_consumer, "postproc": as_postproc}


def memory_bytes(name: str) -> int:
    """Return a figure of this process from proc(5), such as VmSize or VmHWM."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (figure,) = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(figure) * 1024


def outcome(decode: Callable[[bytes], None], jpeg: bytes) -> str:
    try:
        decode(jpeg)
    except InvalidInput as error:
        return f"refused: {error}"
    except MemoryError:
        return "out of memory"
    return "decoded"


def main(service: str) -> None:
    jpegs = {**refused(), **allowed()}
    decode = DECODERS[service]
    decode_everything_small(decode)
    limit_bytes = memory_bytes("VmSize") + ROOM_BYTES[service]
    resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    for name, jpeg in jpegs.items():
        begun_s = time.perf_counter()
        said = outcome(decode, jpeg)
        took_s = round(time.perf_counter() - begun_s, 3)
        peak_mb = memory_bytes("VmHWM") // 10**6
        line = {"name": name, "bytes": len(jpeg), "said": said, "took_s": took_s, "hwm_mb": peak_mb}
        sys.stdout.write(json.dumps(line) + "\n")


def decode_everything_small(decode: Callable[[bytes], None]) -> None:
    """Have the libraries take what they keep, their threads above all, before it is counted."""
    outcome(decode, allowed()["progressive as encoders write it"])


if __name__ == "__main__":
    main(sys.argv[1])

"""Keeps the memory of large blocks in the process, for the next block of that size."""

import ctypes
from contextlib import suppress

MIB = 1024 * 1024
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of malloc.h, for mallopt(3)."""


def keep_large_blocks() -> None:
    """Tell glibc to give nothing back that is asked for again at once; do nothing without glibc.

    By itself it returns blocks above 128 KiB, and the kernel clears every page of the next one. A
    request of 25 images is copied three times on its way to Triton: with this the consumer takes
    1.9 CPU-ms a frame instead of 2.4 (768x576).
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, 32 * MIB)
        libc.mallopt(_M_TRIM_THRESHOLD, 128 * MIB)

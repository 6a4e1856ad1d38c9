"""What a serving process sets once, so that it stays small and its collector does not look at the same things again."""

import ctypes
import gc
import sys

YOUNG, MIDDLE, OLD = 5_000, 20, 10
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""`mallopt` parameters of glibc (malloc.h)."""
_LARGE = 256 * 1024


def settle() -> None:
    """Call once when a process has loaded what it needs, before it starts threads and serves.

    What is loaded by then stays for ever, so the collector need not look at it again; and a batch of orders makes
    thousands of values that live for milliseconds, which the defaults (700, 10, 10) walk through over and over: about a
    tenth of a worker's time. One allocation arena instead of one a thread keeps what threads free within reach of the
    others, some megabytes of resident memory for nothing lost under the interpreter's lock. What is large (a bulk
    request, a batch on its way to the database) is mapped by itself and given back at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    allocator = ctypes.CDLL(None) if sys.platform == "linux" else None
    if allocator is not None and hasattr(allocator, "mallopt"):
        allocator.mallopt(_M_ARENA_MAX, 1)
        allocator.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        allocator.mallopt(_M_TRIM_THRESHOLD, _LARGE)
        allocator.malloc_trim(0)

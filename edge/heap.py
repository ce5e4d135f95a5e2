"""How the C library keeps the memory of a process that makes and drops images all day."""

from __future__ import annotations

import ctypes

# Numbers of mallopt(3), from glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# Room for what a 1024-pixel tile needs at a time; a larger array still goes straight back to the system.
KEPT_BYTES = 32 * 1024 * 1024


def keep_pages() -> bool:
    """Let freed images be used again instead of being handed back; False where the C library cannot.

    Each tile otherwise gets some 3,000 new pages from the kernel: 10 ms of it a tile, and no byte less at the
    peak. Settings of the environment (MALLOC_TRIM_THRESHOLD_) give way to these.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(name, KEPT_BYTES) == 1 for name in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD))

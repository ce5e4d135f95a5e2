"""Freed images are used again, so that a tile costs the kernel next to nothing."""

from __future__ import annotations

import subprocess
import sys

COUNT_FAULTS = """
import resource, sys
import numpy as np
from edge import heap
if sys.argv[1] == "kept" and not heap.keep_pages():
    sys.exit("expected a C library with mallopt")

def work():
    images = [np.ones(3_000_000, np.uint8) for _ in range(5)]
    del images

work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    command = [sys.executable, "-c", COUNT_FAULTS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_images_that_are_dropped_and_made_anew_get_no_new_pages() -> None:
    assert page_faults("kept") < page_faults("as usual") / 10

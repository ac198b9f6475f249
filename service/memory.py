"""Keeps the memory of the API's process as small as what it holds."""

import ctypes
import gc
import threading
import time

COLLECTIONS = (10_000, 3, 100)
"""When Python looks for unreachable cycles by itself (`gc.set_threshold`). A look at all objects stops every
answer, for a quarter of a second while 600 streams are open; with Python's 700, 10, 10 it came every 13
seconds."""
MMAP_THRESHOLD, LARGE_BYTES = -3, 2**16
ARENA_MAX, ARENAS = -8, 2
"""Options of glibc's `mallopt`. Large pieces go back to the system at once, instead of leaving holes that let
the process grow with all that it does."""
PAUSE_S, SHARE = 30.0, 1 / 1000
"""How long to wait between two looks at all objects: at least the pause, and so long that the looks take no
more than this share of the time."""


def keep_small() -> None:
    """Tune the process, and from now on give back what it does not use, in a thread."""
    gc.set_threshold(*COLLECTIONS)
    gc.freeze()  # imported objects stay, and every look would visit all of them
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(MMAP_THRESHOLD, LARGE_BYTES)
        library.mallopt(ARENA_MAX, ARENAS)
    threading.Thread(target=_give_back, args=[library], daemon=True).start()


def _give_back(library: ctypes.CDLL) -> None:
    """Collect unreachable cycles, and give free memory to the system where the C library is glibc."""
    pause = PAUSE_S
    while True:
        time.sleep(pause)
        began = time.monotonic()
        gc.collect()
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)
        pause = max(PAUSE_S, (time.monotonic() - began) / SHARE)

"""The memory of the API's process."""

import subprocess
import sys

PROGRAM = """
import gc, time, weakref
from service import memory

class Thing:
    pass

gc.disable()
memory.PAUSE_S, memory.SHARE = 0.01, 1.0
memory.keep_small()
thing = Thing()
thing.itself, seen = thing, weakref.ref(thing)
del thing
while seen():
    time.sleep(0.01)
"""


def test_unreachable_cycles_are_collected_while_python_looks_for_none() -> None:
    """The process keeps nothing that it cannot use any more, though it rarely allocates."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=240)

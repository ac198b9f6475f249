"""Runs a module in a process that reaches no network.

    python -m processes.without_network MODULE ARGUMENT…

On Linux the process leaves the machine's network for one of its own, which has nothing in it. Where a system
forbids that, as containers without user namespaces do, it still opens no socket.
"""

import ctypes
import runpy
import sys

from processes.without_sockets import forbid_sockets

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000


def leave_network() -> bool:
    """Whether this process, which must not have threads yet, has left the network.

    Root can do so as it is; others become the first user of a namespace of their own.
    """
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    return unshare is not None and 0 in (
        unshare(what) for what in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET)
    )


if __name__ == "__main__":
    leave_network()
    forbid_sockets()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

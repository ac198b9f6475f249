"""Keeps a process from opening sockets, also where it may not leave the machine's network."""

import ctypes
import errno
import platform
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
FILTER = 2
SYSTEM_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""Of each machine, how Linux names it and the number of `socket`."""
IO_URING_SETUP = 425
"""Its rings open sockets, too; the number is the same on both machines."""
FOREIGN = 0x40000000
"""Numbers from here on are calls of another machine's programs on x86_64."""

LOAD, IF_EQUAL, IF_AT_LEAST, ANSWER = 0x20, 0x15, 0x35, 0x06
NUMBER_AT, MACHINE_AT = 0, 4
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.ENETUNREACH


def forbid_sockets() -> bool:
    """From now on this process, which must not have threads yet, and those that it starts open no socket.

    Returns whether that is so. Any user may do this to a process of their own, and containers allow it.
    """
    machine, socket = SYSTEM_CALLS.get(platform.machine(), (0, 0))
    if sys.platform != "linux" or not machine:
        return False
    rules = [
        (LOAD, 0, 0, MACHINE_AT),
        (IF_EQUAL, 0, 5, machine),
        (LOAD, 0, 0, NUMBER_AT),
        (IF_AT_LEAST, 3, 0, FOREIGN),
        (IF_EQUAL, 2, 0, socket),
        (IF_EQUAL, 1, 0, IO_URING_SETUP),
        (ANSWER, 0, 0, ALLOW),
        (ANSWER, 0, 0, REFUSE),
    ]  # the numbers in the middle are how many of the next rules are skipped, if it is so and if not
    content = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    program = ctypes.create_string_buffer(struct.pack("HP", len(rules), ctypes.addressof(content)))
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = (ctypes.c_int, *4 * (ctypes.c_ulong,))
    answers: list[int] = [
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        prctl(PR_SET_SECCOMP, FILTER, ctypes.addressof(program), 0, 0),
    ]
    return answers == [0, 0]

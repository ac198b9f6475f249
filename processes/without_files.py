"""Keeps a process from opening files, by Landlock (https://docs.kernel.org/userspace-api/landlock.html)."""

import ctypes
import os
import struct
import sys
from pathlib import Path

from processes.without_sockets import PR_SET_NO_NEW_PRIVS

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of system calls, the same on all machines."""
VERSION_ONLY, PATH_BENEATH = 1, 1
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights each version of Landlock knows; later ones have at least 16."""
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3


def version() -> int:
    """That of the kernel's Landlock; below 1 if it has none."""
    asked: int = (
        ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, VERSION_ONLY) if sys.platform == "linux" else 0
    )
    return asked


def forbid_files(*readable: Path) -> bool:
    """From now on this process, which must not have threads yet, starts no program and opens no file, but to
    read what is `readable` or lies in a folder that is. What does not exist is left out.

    Returns whether that is so. Any user may do this to a process of their own; the kernel needs Landlock.
    """
    if version() < 1:
        return False
    library = ctypes.CDLL(None)
    rights = struct.pack("Q", (1 << RIGHTS.get(version(), 16)) - 1)
    rules = library.syscall(CREATE_RULESET, rights, len(rights), 0)
    for path in readable:
        if path.exists():
            _allow_reading(library, rules, path)
    library.prctl.argtypes = (ctypes.c_int, *4 * (ctypes.c_ulong,))
    answers: list[int] = [
        library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        library.syscall(RESTRICT_SELF, rules, 0),
    ]
    os.close(rules)
    return answers == [0, 0]


def _allow_reading(library: ctypes.CDLL, rules: int, path: Path) -> None:
    place = os.open(path, os.O_PATH)
    allowed = READ_FILE | READ_FOLDER if path.is_dir() else READ_FILE
    library.syscall(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", allowed, place), 0)
    os.close(place)

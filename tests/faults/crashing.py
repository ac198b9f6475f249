"""Kills a process at places of its code, without a trace of this in the code.

A place is named by what is called there and by the function of the program that calls it, for example
`after commit in worker.run._see_through`. The processes are forked from one that has imported everything,
so a death costs little; that one must have no threads and no connections.
"""

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
CALLS = (
    *("os:replace", "os:rename", "os:fsync", "os:link", "os:unlink"),
    *("sqlalchemy.engine.default:DefaultDialect.do_commit", "store.bell:Bell.ring"),
)
Seen = Callable[[str], object]
_step = ""


def step(name: str) -> None:
    """Name what is done from now on; places in different steps are different."""
    global _step
    _step = f"{name}, "


def places(act: Callable[[], object]) -> list[str]:
    """The places that a run of `act` comes by, in the order of their first time."""
    reader, writer = os.pipe()

    def record() -> None:
        with os.fdopen(writer, "w") as names, watched(lambda place: print(place, file=names, flush=True)):
            act()

    assert _forked(record) == 0
    os.close(writer)
    with os.fdopen(reader) as names:
        return list(dict.fromkeys(names.read().splitlines()))


def kill_at(place: str, act: Callable[[], object], nth: int = 1) -> bool:
    """Run `act` in a process that is killed when it comes by the place for the nth time. Returns whether it
    came by.
    """
    left = nth

    def count(found: str) -> None:
        nonlocal left
        left -= found == place
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        with watched(count):
            act()

    status = _forked(run)
    assert status in (0, -signal.SIGKILL), f"the run failed instead of being killed at: {place}"
    return status != 0


def undisturbed(act: Callable[[], object]) -> None:
    """Run `act` in a process of its own, so that this one stays without threads and connections."""
    assert _forked(act) == 0


@contextmanager
def watched(see: Seen) -> Iterator[None]:
    """Call `see` with the name of every place that this process comes by."""
    with_originals = [(*_found(call), call.split(":")[1].split(".")[-1]) for call in CALLS]
    for owner, original, name in with_originals:
        setattr(owner, name, _watching(original, name.removeprefix("do_"), see))
    try:
        yield
    finally:
        for owner, original, name in with_originals:
            setattr(owner, name, original)


def _found(call: str) -> tuple[Any, Any]:
    module, path = call.split(":")
    owner: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for each in owners:
        owner = getattr(owner, each)
    return owner, getattr(owner, name)


def _watching(original: Callable[..., Any], name: str, see: Seen) -> Callable[..., Any]:
    def watching(*arguments: Any, **named: Any) -> Any:
        if (where := _caller()) is None:
            return original(*arguments, **named)
        see(f"{_step}before {name} in {where}")
        result = original(*arguments, **named)
        see(f"{_step}after {name} in {where}")
        return result

    return watching


def _caller() -> str | None:
    """The innermost function of the program that is running, but for `store.database`; None: a test's own."""
    frame = sys._getframe(2)
    while frame:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] not in ("tests", ".venv"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if module != "store.database":
                return f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back
    return None


def _forked(act: Callable[[], object]) -> int:
    """The exit code of a forked process that runs `act`; the negative signal if one killed it."""
    sys.stdout.flush()
    if (pid := os.fork()) == 0:
        try:
            act()
            sys.stdout.flush()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

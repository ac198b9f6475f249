"""An ONNX file of a user, run by `models.translation.onnx_process` in a process of its own."""

import json
import os
import select
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.stopping import stop_if_asked

Array = NDArray[np.float32]

OUT_OF_MEMORY, OUT_OF_TIME = 101, 102
"""Exit codes of the process."""
MEMORY = 1024 * 1024 * 1024
"""Bytes that the process may take, beside a few copies of the file."""
COPIES = 4
SECONDS = 20.0
"""Processor time of the busiest thread for loading a small file, and for each batch."""
BYTES_A_SECOND = 100e6
"""A large file gets this much more time."""
SILENCE = 10.0
"""Without an answer the process is ended after this many times its processor time: it may only wait."""
LOOK_EVERY_S = 0.2
ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
"""What the process gets of this one's environment: others may hold passwords and keys."""
ARENAS = {"MALLOC_ARENA_MAX": "2"}


class ConfinedSession:
    """Loads the file at once, and keeps the process until this object is no longer used.

    The constructor and `run` raise ValueError with the reason if the file cannot be used, and whatever
    `stop_if_asked` raises; then the process has ended. A later `run` starts another one.
    """

    description: dict[str, Any]
    """`inputs` and `outputs`, each with `name`, `type` and `shape`, and `metadata`."""

    def __init__(self, path: Path, threads: int) -> None:
        self._path, self._threads = path, threads
        self._seconds = SECONDS + path.stat().st_size / BYTES_A_SECOND
        self._start()

    def run(self, name: str, array: Array) -> Array:
        """The network's only output, given its only input, both float32."""
        if self._process.poll() is not None:
            self._start()
        self._asked_at = time.monotonic()
        try:
            pipe = self._process.stdin
            assert pipe is not None
            head = {"input": name, "shape": array.shape}
            pipe.write(json.dumps(head).encode() + b"\n" + np.ascontiguousarray(array, np.float32).tobytes())
            pipe.flush()
            shape = self._message()["shape"]
            content = self._read(4 * int(np.prod(shape, dtype=np.int64)))
        except BaseException:
            self._end()
            raise
        return np.frombuffer(content, np.float32).reshape(shape)

    def _start(self) -> None:
        memory = MEMORY + COPIES * self._path.stat().st_size
        limits = [str(self._threads), str(memory), str(self._seconds)]
        module = ["-m", "processes.without_network", "models.translation.onnx_process"]
        self._asked_at = time.monotonic()
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, *module, str(self._path), *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ} | ARENAS,
            start_new_session=True,
        )
        self._end: weakref.finalize[..., ConfinedSession] = weakref.finalize(self, _killed, self._process)
        self._buffer = b""
        try:
            self.description = self._message()
        except BaseException:
            self._end()
            raise

    def _message(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            self._buffer += self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise ValueError(message["error"])
        return message

    def _read(self, count: int) -> bytearray:
        content = bytearray(self._buffer)
        while len(content) < count:
            content += self._more()
        self._buffer = bytes(content[count:])
        del content[count:]
        return content

    def _more(self) -> bytes:
        """Some more bytes of the process."""
        pipe = self._process.stdout
        assert pipe is not None
        while not select.select([pipe], [], [], LOOK_EVERY_S)[0]:
            stop_if_asked()
            if time.monotonic() - self._asked_at > SILENCE * self._seconds:
                raise ValueError(f"it gave no answer for {SILENCE * self._seconds:.3g} seconds")
        content = os.read(pipe.fileno(), 1 << 20)
        if not content:
            raise ValueError(self._why_it_ended(self._process.wait()))
        return content

    def _why_it_ended(self, code: int) -> str:
        if code == OUT_OF_TIME:
            return f"loading it or one batch took more than {self._seconds:.3g} seconds of processor time"
        if code == OUT_OF_MEMORY:
            return f"it needs more than {MEMORY // 2**20:,} MiB of memory"
        return f"onnxruntime crashed on it (exit code {code})"


def _killed(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()

"""Runs an ONNX file from a user in a process of its own: with limits of memory and time, without a network
and without other files.

    python -m processes.without_network models.translation.onnx_process FILE THREADS MEMORY SECONDS

`models.translation.onnx_session` starts it and talks to it over stdin and stdout: every message is a line of
JSON, and arrays follow as their float32 bytes. The first message describes the network; afterwards every
batch of photos is answered by a translation. An answer with `error` says why there is none.
"""

import json
import os
import resource
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import onnx
import onnxruntime

from models.translation.external_data import names_a_file
from models.translation.onnx_session import OUT_OF_MEMORY, OUT_OF_TIME, Array
from processes.without_files import forbid_files

LOOK_EVERY_S = 0.1
OF_SYSTEM = (Path("/proc/self"), Path("/sys/devices/system/cpu"))
"""Where the clock and onnxruntime read about this process and the machine's processors."""
PAGE = resource.getpagesize()


def main(path: Path, threads: int, memory: int, seconds: float) -> None:
    """Answer until stdin ends. The process may take `memory` bytes more than it begins with, and its busiest
    thread `seconds` of processor time for one answer.
    """
    _limit_memory(memory)
    forbid_files(path, *OF_SYSTEM)
    clock = Clock(seconds)
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    try:
        session = _load(path, threads)
        send(writer, _description(session))
        while (message := receive(reader)) is not None:
            clock.restart()
            (output,) = session.run(None, {message["input"]: receive_array(reader, message["shape"])})
            send_array(writer, output)
            clock.stop()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:  # onnxruntime's errors share no base class
        if any(words in str(error) for words in ("bad allocation", "bad_alloc", "Failed to allocate memory")):
            os._exit(OUT_OF_MEMORY)
        send(writer, {"error": str(error)})


class Clock:
    """Ends the process when an answer takes too much processor time, or when its parent has ended.

    Processor time, because a busy machine is no fault of the model; of the busiest thread, because more
    threads are no fault either.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._parent = os.getppid()
        self._running = True
        self._before = _thread_seconds()
        threading.Thread(target=self._watch, daemon=True).start()

    def restart(self) -> None:
        self._before, self._running = _thread_seconds(), True

    def stop(self) -> None:
        self._running = False

    def _watch(self) -> None:
        while os.getppid() == self._parent:
            time.sleep(LOOK_EVERY_S)
            before = self._before
            spent = (now - before.get(thread, 0.0) for thread, now in _thread_seconds().items())
            if self._running and max(spent) > self._seconds:
                os._exit(OUT_OF_TIME)
        os._exit(1)


def _thread_seconds() -> dict[str, float]:
    """Seconds of processor time of each thread so far."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        return {"all": time.process_time()}
    found = {}
    for task in tasks.iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            found[task.name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def _limit_memory(more: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    most = pages * PAGE + more
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _load(path: Path, threads: int) -> onnxruntime.InferenceSession:
    _check_self_contained(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ValueError(f"onnxruntime cannot load it ({error})") from error


def _check_self_contained(path: Path) -> None:
    """Raise ValueError if tensors are kept in other files: onnxruntime would open any file they name."""
    content = path.read_bytes()
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's, which is no dependency of this project
        raise ValueError(f"it is no ONNX file ({error})") from error
    if names_a_file(model):
        raise ValueError("it refers to other files: export it self-contained")


def _description(session: onnxruntime.InferenceSession) -> dict[str, Any]:
    def described(values: Any) -> list[dict[str, Any]]:
        return [{"name": value.name, "type": value.type, "shape": value.shape} for value in values]

    return {
        "inputs": described(session.get_inputs()),
        "outputs": described(session.get_outputs()),
        "metadata": session.get_modelmeta().custom_metadata_map,
    }


def send(writer: IO[bytes], message: dict[str, Any]) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
    writer.flush()


def receive(reader: IO[bytes]) -> dict[str, Any] | None:
    """The next message; None at the end."""
    line = reader.readline()
    return json.loads(line) if line else None


def send_array(writer: IO[bytes], array: Array) -> None:
    send(writer, {"shape": array.shape})
    writer.write(np.ascontiguousarray(array, np.float32).data)
    writer.flush()


def receive_array(reader: IO[bytes], shape: list[int]) -> Array:
    array = np.empty(shape, np.float32)
    reader.readinto(array.data.cast("B"))  # type: ignore[attr-defined]
    return array


if __name__ == "__main__":
    file, threads, memory, seconds = sys.argv[1:]
    main(Path(file), int(threads), int(memory), float(seconds))

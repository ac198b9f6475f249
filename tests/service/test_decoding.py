"""The decoding processes: a hostile file can break its own process and nothing else."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from PIL import Image

from models.images.seen import MAX_PIXELS
from service.decoding import confined, deadline, validation
from service.decoding.classes import Classes
from service.decoding.decoders import Decoders
from service.http.problems import Unavailable, UndecodableImage
from store.settings import Settings
from tests.processes import until
from tests.service.steps import CLASSES, photo


@pytest.fixture
def decoders(tmp_path: Path) -> Iterator[Decoders]:
    decoders = Decoders(Settings(data_dir=tmp_path, max_image_pixels=1_000_000))
    yield decoders
    decoders.close()


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.jpg"
    path.write_bytes(photo())
    return path


def crash(path: str) -> None:
    """Crash, as a faulty decoder might."""
    os.kill(os.getpid(), signal.SIGSEGV)


def killed(path: str) -> None:
    """End as by the kernel when the machine has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


def stuck(path: str) -> None:
    """Never end, in a process that may work for a short time only."""
    with open(path, "a") as file:
        file.write("tried ")
    deadline.allow(0.2)
    while True:
        pass


def devour(path: str) -> int:
    try:
        return len(bytearray(4 * 1024**3))
    except MemoryError:
        return -1


def limits(path: str) -> tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_AS)


def online(path: str) -> bool:
    try:
        socket.socket().close()
    except OSError:
        return False
    return True


def test_a_decoder_reaches_no_network(decoders: Decoders, good: Path) -> None:
    """Whatever a file makes it do."""
    assert decoders._run(online, str(good)) is False
    assert online(str(good))


def test_a_file_that_crashes_its_decoder_is_refused_alone(decoders: Decoders, good: Path) -> None:
    """Photos that are decoded at the same time in the same processes are accepted."""
    with ThreadPoolExecutor(4) as pool:
        crashed = pool.submit(decoders._run, crash, str(good))
        others = [pool.submit(decoders.photo, good) for _ in range(6)]
        assert [other.result().width for other in others] == [32] * 6
        with pytest.raises(UndecodableImage):
            crashed.result()
    assert decoders.photo(good).width == 32


def test_memory_is_bounded(decoders: Decoders, good: Path) -> None:
    """A decoder gets the memory that photos of the allowed size need, and not 4 GiB."""
    assert decoders._run(devour, str(good)) == -1
    most = confined.BASE_BYTES + confined.BYTES_PER_PIXEL * 1_000_000
    assert decoders._run(limits, str(good)) == (most, most)


@pytest.mark.slow
def test_the_largest_photos_and_label_maps_fit_in_the_memory(tmp_path: Path) -> None:
    """With the limit at its maximum, 250 megapixels are checked, made a thumbnail and read as classes."""
    size = (15_800, 15_800)
    Image.new("RGBA", size, (64, 0, 128, 255)).save(tmp_path / "large.png", compress_level=1)
    decoders = Decoders(Settings(data_dir=tmp_path, max_image_pixels=MAX_PIXELS))
    try:
        photo = decoders.photo(tmp_path / "large.png")
        assert (photo.width, photo.height) == size
        assert len(decoders.thumbnail(tmp_path / "large.png", 512)) > 500
        label_map = decoders.label_map(tmp_path / "large.png", Classes.of(CLASSES), size)
        assert label_map.canonical
        assert label_map.canonical.class_pixels == [0, size[0] * size[1]]
    finally:
        decoders.close()


@pytest.mark.parametrize(
    ("limits", "work", "signal_"),
    [("0.2, 0", "while True: pass", signal.SIGPROF), ("0, 0.2", "signal.pause()", signal.SIGALRM)],
)
def test_time_is_bounded(limits: str, work: str, signal_: signal.Signals) -> None:
    """The kernel ends a process that works too long, and one that waits too long."""
    program = f"""
import signal
from processes.limits import limit_time
limit_time({limits})
{work}
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == -signal_


def test_a_file_that_takes_too_long_is_tried_once(decoders: Decoders, tmp_path: Path) -> None:
    """It is refused, and no second process spends the same time on it."""
    tries = tmp_path / "tries"
    with pytest.raises(UndecodableImage):
        decoders._run(stuck, str(tries))
    assert tries.read_text() == "tried "


def test_the_time_follows_from_the_pixels() -> None:
    """The largest photo gets more time than a small one, and a tiny one enough for a slow machine."""
    assert 2 <= deadline.of_image(0) < deadline.of_image(64_000_000) < 60


def test_a_killed_process_is_no_fault_of_the_file(decoders: Decoders, good: Path) -> None:
    """If something else kills the process, the answer is 503 with Retry-After, and the next file is read."""
    with pytest.raises(Unavailable) as refusal:
        decoders._run(killed, str(good))
    assert refusal.value.headers["Retry-After"]
    assert decoders.photo(good).width == 32


def test_decoders_end_when_the_service_is_killed(good: Path) -> None:
    """`kill -9` of the service leaves no process running."""
    program = f"""
import signal
from pathlib import Path
from service.decoding.decoders import Decoders
from store.settings import Settings
if __name__ == "__main__":
    decoders = Decoders(Settings())
    decoders.photo(Path({str(good)!r}))
    print("ready", flush=True)
    signal.pause()
"""
    script = good.with_name("program.py")
    script.write_text(program)
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=environment) as service:
        assert service.stdout
        assert service.stdout.readline() == b"ready\n"
        children = psutil.Process(service.pid).children(recursive=True)
        assert len(children) > 2
        service.kill()
    until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children), "the end")


def test_validation_needs_no_more_than_pillow() -> None:
    """The code that reads hostile files loads no web framework, database or numerical library."""
    program = f"""
import sys, {confined.__name__}, {validation.__name__}
print(sorted(set(sys.modules) & {{"fastapi", "sqlalchemy", "numpy", "torch", "celery"}}))
"""
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"

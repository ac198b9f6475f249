"""Embedding of files: decoding, orientation, and files that are no photos."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import pytest
from PIL import Image

from models.encoders import Encoder, decoding_processes, embed_files, read_square
from models.encoders.decoding import empty_photos, read_into
from models.encoders.decoding_processes import read_in_processes
from models.encoders.runners import Features
from scenes import draw
from tests.models.encoding import encoder_for_tests
from tests.processes import until

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return encoder_for_tests("efficientnet_lite0", tmp_path_factory)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Seven drawn scenes as JPEG files."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(7):
        Image.fromarray(draw(1, index).photo).save(folder / f"{index}.jpg")
    return sorted(folder.iterdir())


def test_rows_are_in_the_order_of_the_files(encoder: Encoder, paths: list[Path]) -> None:
    """Row i is the embedding of file i, for every batch size."""
    one_by_one = np.concatenate([encoder.encode(read_square(path)[None]) for path in paths])
    for batch_size in (1, 3, 32):
        embeddings, failures = embed_files(encoder, paths, batch_size=batch_size)
        assert failures == []
        assert embeddings.dtype == np.float32
        assert np.allclose(embeddings, one_by_one, rtol=1e-3, atol=1e-3)


def test_a_bad_file_stops_nothing(encoder: Encoder, paths: list[Path], tmp_path: Path) -> None:
    """A truncated photo, a text and an empty file are reported by their index; the others are embedded."""
    cut, text, empty = tmp_path / "cut.jpg", tmp_path / "text.jpg", tmp_path / "empty.png"
    cut.write_bytes(paths[0].read_bytes()[:2000])
    text.write_text("this is not a photo")
    empty.touch()
    mixed = [cut, paths[0], text, empty, paths[1], paths[2]]
    embeddings, failures = embed_files(encoder, mixed, batch_size=2)
    assert [failure.index for failure in failures] == [0, 2, 3]
    assert all(failure.reason for failure in failures)
    assert "truncated" in failures[0].reason
    expected, _ = embed_files(encoder, [paths[0], paths[1], paths[2]])
    assert np.allclose(embeddings, expected, rtol=1e-3, atol=1e-3)


def test_a_file_that_is_not_there_is_no_bad_photo(encoder: Encoder, tmp_path: Path) -> None:
    """A fault of the machine, such as a missing file, is raised, and not reported as a bad photo."""
    with pytest.raises(FileNotFoundError):
        embed_files(encoder, [tmp_path / "missing.jpg"])


def test_nothing_to_embed(encoder: Encoder, tmp_path: Path) -> None:
    """No files, or only bad ones, give an array without rows, of the right width."""
    assert embed_files(encoder, [])[0].shape == (0, 1280)
    (tmp_path / "empty.png").touch()
    embeddings, failures = embed_files(encoder, [tmp_path / "empty.png"])
    assert embeddings.shape == (0, 1280)
    assert len(failures) == 1


def test_progress_counts_files_and_may_stop_the_work(
    encoder: Encoder, paths: list[Path], tmp_path: Path
) -> None:
    """`on_progress` gets (done, total) after each batch, bad files included; its exception ends the work at
    once.
    """
    seen: list[tuple[int, int]] = []
    (bad := tmp_path / "empty.png").touch()
    embed_files(encoder, [*paths, bad], batch_size=3, on_progress=lambda *step: seen.append(step))
    assert seen == [(3, 8), (6, 8), (8, 8)]

    def cancel(done: int, _total: int) -> None:
        seen.append((done, 0))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_files(encoder, paths * 20, batch_size=3, on_progress=cancel)
    assert seen[3:] == [(3, 0)]


def test_batches_are_no_larger_than_asked(paths: list[Path]) -> None:
    """The encoder never gets more photos at once than the batch size."""
    batches: list[int] = []

    def mean(photos: npt.NDArray[np.uint8]) -> Features:
        batches.append(len(photos))
        return Features(np.asarray(photos.mean(axis=(1, 2, 3))[:, None], np.float32), None)

    probe = Encoder("probe", 1, "", "cpu", threads=2, run=mean)
    embeddings, _ = embed_files(probe, paths * 6, batch_size=8)
    assert sorted(batches) == [2, 8, 8, 8, 8, 8]
    assert np.array_equal(embeddings[:7], embeddings[35:])


def test_processes_read_as_threads_do(paths: list[Path], tmp_path: Path) -> None:
    """Processes give the same photos in the same places and the same bad files, and raise for a
    missing file.
    """
    (bad := tmp_path / "empty.png").touch()
    many = [*paths, bad, *paths, *paths]
    here, there = empty_photos(len(many)), empty_photos(len(many))
    failures = read_into(here, many)
    assert read_in_processes(many)(there) == failures
    assert [failure.index for failure in failures] == [7]
    good = np.arange(len(many)) != 7
    assert np.array_equal(there[good], here[good])
    with pytest.raises(FileNotFoundError):
        read_in_processes([*paths, tmp_path / "missing.jpg"])(empty_photos(8))


def test_shared_memory_that_runs_out_is_an_error() -> None:
    """A request for more memory than there is fails at once, not at the first write, and leaves nothing
    behind.
    """
    before = set(decoding_processes.SHARED.iterdir())
    room = os.statvfs(decoding_processes.SHARED)
    with pytest.raises(OSError, match="No space left"):
        decoding_processes._shared(room.f_blocks * room.f_frsize + 2**20)
    assert set(decoding_processes.SHARED.iterdir()) <= before


def test_decoding_goes_on_after_a_process_was_killed(paths: list[Path]) -> None:
    """The killed process's batch fails; new processes read the next one."""
    photos = empty_photos(len(paths))
    read_in_processes(paths)(photos)
    for process in multiprocessing.active_children():
        process.kill()
        process.join()
    with contextlib.suppress(BrokenProcessPool):
        read_in_processes(paths)(photos)
    again = empty_photos(len(paths))
    read_in_processes(paths)(again)
    assert np.array_equal(again, photos)


DECODE = """
import multiprocessing, os, signal, sys
from pathlib import Path
from models.encoders.decoding_processes import read_in_processes
from models.encoders.decoding import empty_photos

if __name__ == "__main__":
    read_in_processes([Path(sys.argv[1])])(empty_photos(1))
    print(*[process.pid for process in multiprocessing.active_children()], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_with_their_parent(paths: list[Path], tmp_path: Path) -> None:
    """After a kill -9 of the parent, its decoding processes end too."""
    (script := tmp_path / "decode.py").write_text(DECODE)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    decoding = subprocess.run(
        [sys.executable, str(script), str(paths[0])], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert decoding.returncode == -signal.SIGKILL
    children = decoding.stdout.split()
    assert children
    until(lambda: not any(alive(int(child)) for child in children), "the end of the processes")


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.gpu
def test_a_gpu_gives_what_the_cpu_gives(
    paths: list[Path], encoder: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Embeddings from a GPU, in the precision measured fastest, are within a tenth of the CPU's."""
    on_gpu = encoder_for_tests("efficientnet_lite0", tmp_path_factory, "cuda")
    found, _ = embed_files(on_gpu, paths * 40)
    expected, _ = embed_files(encoder, paths)
    distances = np.linalg.norm(found - np.tile(expected, (40, 1)), axis=1)
    assert (distances < 0.1 * np.linalg.norm(found, axis=1)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(orientation: int, tmp_path: Path) -> None:
    """A photo that is stored turned or mirrored, with the matching EXIF tag, reads like the upright photo."""
    upright = Image.fromarray(draw(2, 0).photo)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    upright.save(tmp_path / "upright.png")
    stored.save(tmp_path / "stored.png", exif=exif)
    difference = read_square(tmp_path / "stored.png").astype(int) - read_square(tmp_path / "upright.png")
    assert np.abs(difference).max() <= 1


def test_large_jpegs_are_read_small_but_true(tmp_path: Path) -> None:
    """Decoding at a fraction of the size changes the photo by less than 0.3 grey levels on average."""
    large = Image.fromarray(draw(2, 1).photo).resize((2600, 1950), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg", quality=95)
    with Image.open(tmp_path / "large.jpg") as image:
        whole = np.asarray(image.resize((256, 256), Image.Resampling.BILINEAR))
    assert np.abs(read_square(tmp_path / "large.jpg").astype(int) - whole).mean() < 0.3


def test_very_large_photos_are_read_small_but_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Averaging a PNG of more pixels than the limit, lowered here, changes it as little, turned or not."""
    monkeypatch.setattr("models.images.photos._LARGE", 1_000_000)
    large = Image.fromarray(draw(2, 1).photo).resize((2600, 1950), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    large.transpose(Image.Transpose.ROTATE_180).save(tmp_path / "large.png", exif=exif)
    whole = np.asarray(large.resize((256, 256), Image.Resampling.BILINEAR))
    assert np.abs(read_square(tmp_path / "large.png").astype(int) - whole).mean() < 0.3


def test_photos_are_resized_as_pillow_does(tmp_path: Path) -> None:
    """Photos of several sizes differ from Pillow's result by at most one grey level, in few pixels."""
    photo = Image.fromarray(draw(2, 1).photo)
    for size in ((480, 360), (100, 70), (3000, 40)):
        resized = photo.resize(size)
        resized.save(tmp_path / "photo.png")
        expected = np.asarray(resized.resize((256, 256), Image.Resampling.BILINEAR)).astype(int)
        difference = np.abs(read_square(tmp_path / "photo.png") - expected)
        assert difference.max() <= 1
        assert difference.mean() < 0.05


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    """Black-and-white, grey, palette, transparent and CMYK photos all read as 256 × 256 × 3 bytes."""
    photo = Image.fromarray(draw(2, 2).photo)
    path = tmp_path / ("photo.jpg" if mode == "CMYK" else "photo.png")
    photo.convert(mode).save(path)
    read = read_square(path)
    assert read.shape == (256, 256, 3)
    assert read.dtype == np.uint8
    assert abs(read.mean() - np.asarray(photo).mean()) < 12

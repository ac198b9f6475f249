"""The encoders' networks, their export, and the sources of weights."""

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor

from models.encoders import ENCODERS, WeightsUnavailable, load_encoder, weights
from models.encoders.networks import ARCHITECTURES
from models.encoders.runners import variant_runner
from models.torchvision_shim import torchvision
from scenes import draw
from tests.models.encoding import EXPORTED, encoder_for_tests, weights_for_tests

Photos = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def photos() -> Photos:
    return np.stack([draw(3, index, (256, 256)).photo for index in range(3)])


@pytest.mark.parametrize("name", EXPORTED)
def test_onnx_equals_torch(name: str, photos: Photos, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The exported network, which runs on the CPU, gives the torch network's embeddings and patches."""
    state_dict = torch.load(weights_for_tests(name, tmp_path_factory), weights_only=True)
    with torch.inference_mode():
        expected = ARCHITECTURES[name].embedder(state_dict)(torch.tensor(photos))
    found = encoder_for_tests(name, tmp_path_factory).features(photos)
    for output, torchs, tolerance in zip(found, expected, (1e-4, 2e-3), strict=True):
        assert output is not None
        assert np.allclose(output, torchs, rtol=1e-3, atol=tolerance * float(torchs.abs().max()))


def test_resnet50_gives_its_penultimate_features(
    photos: Photos, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Embeddings equal the output of torchvision's average pooling, for photos normalised as its weights
    require.
    """
    network = torchvision.models.resnet50()
    network.load_state_dict(torch.load(weights_for_tests("resnet50", tmp_path_factory), weights_only=True))
    pooled: list[Tensor] = []
    network.avgpool.register_forward_hook(lambda _module, _input, output: pooled.append(output))
    preset = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.transforms()
    images = torch.tensor(photos).permute(0, 3, 1, 2) / 255
    normalised = (images - torch.tensor(preset.mean).view(3, 1, 1)) / torch.tensor(preset.std).view(3, 1, 1)
    with torch.inference_mode():
        network.eval()(normalised)
    embeddings = encoder_for_tests("resnet50", tmp_path_factory).encode(photos)
    assert embeddings.shape == (3, 2048)
    assert np.allclose(embeddings, pooled[0].flatten(1), rtol=1e-3, atol=1e-4 * float(pooled[0].max()))


def test_efficientnet_lite0_gives_what_its_classifier_reads(
    photos: Photos, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The last layer, applied to the 1,280 numbers, gives the package's own logits for (photo −
    127) / 128.
    """
    state_dict = torch.load(weights_for_tests("efficientnet_lite0", tmp_path_factory), weights_only=True)
    network = EfficientNet.from_name("efficientnet-lite0", image_size=256)
    network.load_state_dict(state_dict)
    with torch.inference_mode():
        logits = network.eval()((torch.tensor(photos).permute(0, 3, 1, 2) - 127.0) / 128.0)
    embeddings = encoder_for_tests("efficientnet_lite0", tmp_path_factory).encode(photos)
    assert embeddings.shape == (3, 1280)
    read = torch.tensor(embeddings) @ state_dict["_fc.weight"].T + state_dict["_fc.bias"]
    assert torch.allclose(read, logits, rtol=1e-3, atol=1e-3)


def test_the_export_is_made_once(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The cache holds one file, named by encoder and weights, which the next load reads and does
    not rewrite.
    """
    path = weights_for_tests("efficientnet_lite0", tmp_path_factory)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    encoder_for_tests("efficientnet_lite0", tmp_path_factory)
    [exported] = (tmp_path_factory.getbasetemp() / "encoders").glob(f"efficientnet_lite0-{digest[:16]}-*")
    copy = tmp_path / exported.name
    copy.write_bytes(exported.read_bytes())
    before = copy.stat()
    load_encoder("efficientnet_lite0", device="cpu", weights=path, cache_dir=tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [exported.name]
    assert (copy.stat().st_mtime_ns, copy.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_running_leaves_torchs_settings_alone(photos: Photos) -> None:
    """Two threads that run at once neither see nor leave changed cuDNN settings, which belong to the whole
    process.
    """

    def switches() -> tuple[bool, bool]:
        return torch.backends.cudnn.enabled, torch.backends.cudnn.allow_tf32

    before, both, seen = switches(), threading.Barrier(2, timeout=30), []

    class Noting(torch.nn.Module):
        def forward(self, photos_NHWC: Tensor) -> tuple[Tensor]:
            both.wait()
            seen.append(switches())
            return (photos_NHWC.float().mean((1, 2)),)

    run = variant_runner(Noting(), torch.device("cpu"), torch.contiguous_format, torch.float32)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run, [photos] * 6))
    assert before[0]
    assert {*seen, switches()} == {before}


def test_an_unknown_encoder_is_refused() -> None:
    """The error lists the known encoders."""
    with pytest.raises(ValueError, match="resnet50, efficientnet_lite0"):
        load_encoder("vgg16")


@pytest.mark.parametrize("name", ENCODERS)
def test_a_missing_weights_file_is_named(name: str, tmp_path: Path) -> None:
    """The error names a path that does not exist."""
    missing = tmp_path / "nowhere.pth"
    with pytest.raises(WeightsUnavailable, match=rf"{missing}.*correct the path"):
        load_encoder(name, weights=missing)


def test_a_file_that_holds_no_weights_is_refused(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The error names the file, be it text, truncated or another network's weights; the cache stays empty."""
    good = weights_for_tests("efficientnet_lite0", tmp_path_factory)
    text, cut = tmp_path / "text.pth", tmp_path / "cut.pth"
    text.write_text("not weights")
    cut.write_bytes(good.read_bytes()[:100_000])
    for name, path in (("resnet50", text), ("efficientnet_lite0", cut), ("resnet50", good)):
        with pytest.raises(WeightsUnavailable, match=f"{path.name} does not hold the weights of {name}"):
            load_encoder(name, device="cpu", weights=path, cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


WEIGHTS = b"the weights that the server has"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A download server for weights whose file name holds their checksum; the hub cache is empty."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / f"resnet50-{hashlib.sha256(WEIGHTS).hexdigest()[:8]}.pth").write_bytes(WEIGHTS)
    (folder / "resnet50-00000000.pth").write_bytes(WEIGHTS)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


def test_resnet50s_weights_are_downloaded_once(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The weights are put into PyTorch's hub cache, and read from there when the server is gone."""
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    monkeypatch.setattr(weights, "RESNET50_URL", f"{server}/resnet50-{digest[:8]}.pth")
    cached = tmp_path / "torch" / "hub" / "checkpoints" / f"resnet50-{digest[:8]}.pth"
    assert weights.weights_file("resnet50", None, tmp_path) == (cached, digest)
    assert cached.read_bytes() == WEIGHTS
    monkeypatch.setattr(weights, "RESNET50_URL", f"http://127.0.0.1:9/resnet50-{digest[:8]}.pth")
    assert weights.weights_file("resnet50", None, tmp_path) == (cached, digest)


@pytest.mark.parametrize("file", ["resnet50-00000000.pth", "resnet50-11111111.pth"])
def test_a_failed_download_leaves_nothing_and_says_what_to_do(
    server: str, file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Wrong bytes and a file that is not there: the cache stays empty, and the message names the ways out."""
    monkeypatch.setattr(weights, "RESNET50_URL", f"{server}/{file}")
    with pytest.raises(WeightsUnavailable, match="could not be downloaded") as caught:
        weights.weights_file("resnet50", None, tmp_path)
    for way_out in (f"{server}/{file}", "FEWPAIRS_RESNET50_WEIGHTS", "efficientnet_lite0"):
        assert way_out in str(caught.value)
    assert list((tmp_path / "torch" / "hub" / "checkpoints").iterdir()) == []


def test_a_damaged_download_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file in the hub cache that does not have the checksum of its name is refused by its path."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / "resnet50-0676ba61.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"half of it")
    with pytest.raises(WeightsUnavailable, match=f"{cached} is not the file"):
        weights.weights_file("resnet50", None, tmp_path)

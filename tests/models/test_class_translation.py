from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from models.images.palette import ClassTable
from models.translation.decoding import decode_logits
from models.translation.tiles import predict
from models.translation.translator import Translator
from tests.models.runs import TABLE, scene


def bilinear(image: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Enlarge (C, h, w) by interpolation between pixel centres, one output pixel after the other."""
    channels, rows, columns = image.shape
    out = np.empty((channels, height, width))
    for i, j in np.ndindex(height, width):
        y = np.clip((i + 0.5) * rows / height - 0.5, 0, rows - 1)
        x = np.clip((j + 0.5) * columns / width - 0.5, 0, columns - 1)
        top, left = int(y), int(x)
        down, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
        upper = image[:, top, left] * (1 - x + left) + image[:, top, right] * (x - left)
        lower = image[:, down, left] * (1 - x + left) + image[:, down, right] * (x - left)
        out[:, i, j] = upper * (1 - y + top) + lower * (y - top)
    return out


def test_networks_that_learn_classes_give_the_likeliest_one() -> None:
    """The label map is the argmax of the logits at the photo's size; doubt is a ratio of probabilities."""
    torch.manual_seed(0)
    network = nn.Conv2d(3, 5, 3, padding=1)
    table = ClassTable(tuple("abcde"), tuple((50 * i, 10, 255 - 50 * i) for i in range(5)))
    photo, _ = scene(0)
    translator = Translator(network, 16, table, learns_classes=True)
    translation = translator.translate(photo)
    small = np.asarray(Image.fromarray(photo).resize((16, 16), Image.Resampling.BICUBIC))
    x = torch.from_numpy(small.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1)
    with torch.no_grad():
        logits = bilinear(network(x)[0].double().numpy(), 48, 64)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=0)
    second, best = np.sort(probabilities, axis=0)[-2:]
    clear = best - second > 1e-6  # where float32 rounds to a tie, either class is right
    assert translation.label_map is not None
    assert translation.doubtful is not None
    assert np.array_equal(translation.label_map[clear], probabilities.argmax(axis=0)[clear])
    assert clear.mean() > 0.99
    assert translation.confidence is not None
    np.testing.assert_allclose(translation.confidence, best, atol=1e-5)
    sure = np.abs(second / best - 0.8) > 1e-5
    assert np.array_equal(translation.doubtful[sure], (second / best > 0.8)[sure])
    assert 0.05 < translation.doubtful.mean() < 0.95
    assert np.array_equal(translation.rgb, table.encode(translation.label_map))
    assert np.array_equal(translator.draw(photo), translation.rgb)


def test_a_single_class_is_never_doubtful() -> None:
    """A network with one logit predicts its class everywhere without doubt."""
    one = ClassTable(("all",), ((1, 2, 3),))
    translation = Translator(nn.Conv2d(3, 1, 1), 16, one, learns_classes=True).translate(scene(0)[0])
    assert translation.doubtful is not None
    assert not translation.doubtful.any()
    assert translation.label_map is not None
    assert not translation.label_map.any()


def test_equal_logits_go_to_the_first_class() -> None:
    """With equal logits the first class wins, and the pixel is doubtful."""
    found = decode_logits(torch.tensor([-1.0, 2.0, 2.0])[:, None, None], 4, 4)
    assert (found.label_map == 1).all()
    assert found.doubtful.all()


class Largest(TorchDispatchMode):
    """Records the size of the largest tensor that any operation returns."""

    values = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.values = max(self.values, result.numel())
        return result


@pytest.mark.parametrize("size", [(1501, 1203), (7, 5), (1501, 5)])
def test_bands_of_rows_change_nothing(size: tuple[int, int]) -> None:
    """Logits enlarged or shrunk in bands give the classes and probabilities of all logits resized at once,
    and only a few million of them exist at a time.
    """
    logits = torch.randn(19, 12, 9, generator=torch.Generator().manual_seed(0))
    resized = functional.interpolate(logits[None], size, mode="bilinear", antialias=True)[0]
    best, second = resized.softmax(dim=0).topk(2, dim=0).values
    with Largest() as largest:
        found = decode_logits(logits, *size)
    assert largest.values < 2**21 + 19 * 1203
    clear = (best - second > 1e-6).numpy()
    assert clear.mean() > 0.99
    assert np.array_equal(found.label_map[clear], resized.argmax(dim=0).numpy()[clear])
    np.testing.assert_allclose(found.confidence, best.numpy(), atol=1e-5)


class Reducing(nn.Module):
    """A network that keeps the aspect: class logits at an eighth of the photo's size."""

    def __init__(self, reach: int = 1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.reduce = nn.AvgPool2d(8)
        self.mix = nn.Conv2d(3, len(TABLE.names), reach, padding=reach // 2)

    def forward(self, photos: Tensor) -> Tensor:
        logits: Tensor = 5 * self.mix(self.reduce(photos))
        return logits


def smooth_photo(height: int, width: int) -> Tensor:
    noise = torch.randn(1, 3, 5, 7, generator=torch.Generator().manual_seed(1))
    return functional.interpolate(noise, (height, width), mode="bilinear").clamp(-1, 1)


@pytest.mark.parametrize(("height", "width"), [(192, 160), (64, 416), (416, 32), (128, 128)])
def test_tiles_of_a_pointwise_network_equal_the_whole(height: int, width: int) -> None:
    """If no pixel looks at others, tiles give what one pass gives, for sides that tiles do not divide too."""
    photo = smooth_photo(height, width)
    tiled = predict(Reducing(), photo, tile=96, overlap=32)
    torch.testing.assert_close(tiled, Reducing()(photo), atol=1e-5, rtol=1e-5)


def test_no_seam_shows_where_tiles_meet() -> None:
    """A network that looks around, and sees zeros beyond a tile, differs little from one pass; tiles that are
    only put side by side differ much more.
    """
    photo, network = smooth_photo(256, 320), Reducing(reach=3)
    whole = network(photo)
    blended, abutting = (
        (predict(network, photo, tile=128, overlap=overlap) - whole).abs().amax() for overlap in (64, 0)
    )
    assert abutting > 1
    assert blended < 0.2 * abutting


def test_every_network_of_any_size_sees_whole_multiples_of_32() -> None:
    """Photos of odd and tiny sizes go to a network that keeps the aspect at about `image_size`² pixels."""
    seen = []

    class Recorder(Reducing):
        def forward(self, photos: Tensor) -> Tensor:
            seen.append(tuple(photos.shape[-2:]))
            return super().forward(photos)

    translator = Translator(Recorder(), 128, TABLE, learns_classes=True, keeps_aspect=True)
    for height, width in ((61, 83), (1, 1), (7, 300), (480, 360)):
        photo = scene(0, 512, 512)[0][:height, :width]
        translation = translator.translate(photo)
        assert translation.label_map is not None
        assert translation.label_map.shape == (height, width)
        rows, columns = seen[-1]
        assert rows % 32 == columns % 32 == 0
        assert 0.8 * 128**2 <= rows * columns <= 1.2 * 128**2
    assert seen == [(96, 160), (128, 128), (32, 512), (160, 96)]


@pytest.mark.parametrize("mode", ["flip", "scales"])
def test_views_are_averaged_as_probabilities(mode: str) -> None:
    """Flips and scales give the mean of the probabilities that the single views give, turned back."""
    network = Reducing(reach=3)
    photo = np.ascontiguousarray(scene(0, 96, 96)[0])
    means = []
    for scale in (1.0, 0.75, 1.25) if mode == "scales" else (1.0,):
        side = round(96 * scale / 32) * 32
        small = np.array(Image.fromarray(photo).resize((side, side), Image.Resampling.BICUBIC))
        for turned in (small, small[:, ::-1].copy()):
            with torch.no_grad():
                logits = network(torch.from_numpy(turned).permute(2, 0, 1)[None] / 127.5 - 1)
            means.append(functional.interpolate(logits.softmax(1), (12, 12), mode="bilinear", antialias=True))
            if turned is not small:
                means[-1] = means[-1].flip(-1)
    expected = torch.cat(means).mean(dim=0)
    translator = Translator(network, 96, TABLE, learns_classes=True, keeps_aspect=True)
    translation = translator.translate(photo, (12, 12), mode)
    assert translation.confidence is not None
    np.testing.assert_allclose(translation.confidence, expected.amax(dim=0).numpy(), atol=1e-5)
    alone = translator.translate(photo, (12, 12)).confidence
    assert np.abs(translation.confidence - alone).max() > 0.01


@pytest.mark.parametrize(
    ("options", "test_time", "message"),
    [
        ({}, "twice", "unknown test_time 'twice'; there are none, flip, scales"),
        ({}, "flip", "this model draws images: use test_time=none"),
        ({"learns_classes": True}, "scales", "this one takes 32×32 pixels: use test_time=flip"),
    ],
)
def test_a_model_that_cannot_average_says_so(options: dict[str, Any], test_time: str, message: str) -> None:
    """The error says which way of averaging to use."""
    translator = Translator(nn.Conv2d(3, 3, 1), 32, TABLE, **options)
    with pytest.raises(ValueError, match=message):
        translator.translate(scene(0)[0], test_time=test_time)

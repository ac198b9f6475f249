from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.torchvision_shim import torchvision
from models.training.checkpoint import restore_checkpoint, save_checkpoint
from models.training.data import Batch
from models.training.methods import fcn8s
from models.training.methods.fcn8s import SupervisedFCN8s
from models.training.networks.fcn8s import Dropout, FCN8s
from tests.models import plain
from tests.models.runs import TABLE, small_spec

CPU = torch.device("cpu")
NOWHERE = "http://127.0.0.1:9/vgg16-00000000.pth"


def interpolation(inputs: int, outputs: int) -> Tensor:
    """The matrix (outputs, inputs) of linear interpolation between pixel centres."""
    matrix = np.zeros((outputs, inputs))
    for row in range(outputs):
        place = np.clip((row + 0.5) * inputs / outputs - 0.5, 0, inputs - 1)
        for column in range(inputs):
            matrix[row, column] = max(0, 1 - abs(place - column))
    return torch.from_numpy(matrix)


def enlarged(scores: Tensor, like: Tensor) -> Tensor:
    rows = interpolation(scores.shape[2], like.shape[2])
    columns = interpolation(scores.shape[3], like.shape[3])
    return torch.einsum("ai,bkij,cj->bkac", rows, scores, columns)


def pooled(x: Tensor) -> Tensor:
    """The maximum of every 2×2 block; an odd last row or column is pooled alone."""
    x = functional.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2), value=-torch.inf)
    return torch.stack([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]).amax(0)


def plain_fcn8s(layers: plain.Layers, x: Tensor, keep: tuple[Tensor, Tensor]) -> Tensor:
    """Long et al. 2015 on VGG16, layer by layer; `keep` holds the factors of the two dropouts."""
    *vgg16, fc6, fc7, score3, score4, score7 = layers
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    # The network's own constants are float32.
    h = (x - (2 * mean - 1).double()) / (2 * std).double()
    stages = []
    for first, last in ((0, 2), (2, 4), (4, 7), (7, 10), (10, 13)):
        for layer in vgg16[first:last]:
            h = functional.relu(functional.conv2d(h, *layer, padding=1))
        h = pooled(h)
        stages.append(h)
    h = functional.relu(functional.conv2d(h, *fc6, padding=3)) * keep[0]
    h = functional.relu(functional.conv2d(h, *fc7)) * keep[1]
    pool3, pool4 = stages[2:4]
    scores = enlarged(functional.conv2d(h, *score7), pool4) + functional.conv2d(pool4, *score4)
    scores = enlarged(scores, pool3) + functional.conv2d(pool3, *score3)
    return enlarged(scores, x)


def plain_cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    terms = [
        logits[b, :, i, j].logsumexp(0) - logits[b, classes[b, i, j], i, j]
        for b, i, j in (classes != TABLE.ignore).nonzero().tolist()
    ]
    return torch.stack(terms).mean()


def batch_of(size: int, seed: int = 0, count: int = 2) -> Batch:
    """Random photos and classes; the first rows are ignored."""
    random = torch.Generator().manual_seed(seed)
    x = torch.rand(count, 3, size, size, dtype=torch.float64, generator=random) * 2 - 1
    classes = torch.randint(len(TABLE.names), (count, size, size), generator=random)
    classes[:, :5] = TABLE.ignore
    return Batch(x, torch.zeros_like(x), count, classes)


def method_of(**overrides: Any) -> SupervisedFCN8s:
    return SupervisedFCN8s(small_spec("fcn8s", **overrides), CPU, TABLE)


def test_training_steps_equal_a_plain_computation() -> None:
    """Losses and all weights after two steps equal plainly written formulas, with dropout and own Adam.

    At 36², which the poolings do not divide evenly, and with scoring layers that do not start at 0.
    """
    method = method_of(channels=2, seed=5)
    network = method.FCN.double()
    for layer in (network.score_pool3, network.score_pool4, network.score_fc7):
        nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(0))
    layers = plain.layers_of(network)
    adam = plain.Adam(plain.tensors_of(layers), 1e-4, 0.9, 0.999)
    random = torch.Generator().manual_seed(5)
    for step in range(2):
        batch = batch_of(36, step)
        keep = [2.0 * (torch.rand(2, 128, 2, 2, generator=random) < 0.5) for _ in range(2)]
        expected = plain_cross_entropy(plain_fcn8s(layers, batch.x, (keep[0], keep[1])), batch.classes)
        losses = method.step(batch)
        torch.testing.assert_close(losses["cross_entropy"], expected.detach(), rtol=1e-9, atol=0)
        adam.descend(expected)
    for ours, theirs in zip(
        plain.tensors_of(plain.layers_of(network)), plain.tensors_of(layers), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


def test_gradient_descent_equals_a_plain_computation() -> None:
    """With `sgd`, weights after two steps follow from the summed loss per photo: momentum 0.95, decay 5e-4 of
    the weights, twice the rate for biases.
    """
    method = method_of(channels=2, seed=5, sgd=True, learning_rate=1e-6, batch_size=2)
    network = method.FCN.double()
    layers = plain.layers_of(network)
    tensors = plain.tensors_of(layers)
    momenta = [torch.zeros_like(tensor) for tensor in tensors]
    random = torch.Generator().manual_seed(5)
    for step in range(2):
        batch = batch_of(36, step)
        keep = [2.0 * (torch.rand(2, 128, 2, 2, generator=random) < 0.5) for _ in range(2)]
        loss = plain_cross_entropy(plain_fcn8s(layers, batch.x, (keep[0], keep[1])), batch.classes)
        assert batch.classes is not None
        summed = loss * (batch.classes != TABLE.ignore).sum() / 2
        gradients = torch.autograd.grad(summed, tensors)
        method.step(batch)
        with torch.no_grad():
            for tensor, momentum, gradient in zip(tensors, momenta, gradients, strict=True):
                is_bias = tensor.ndim == 1
                momentum.mul_(0.95).add_(gradient + (0 if is_bias else 5e-4) * tensor)
                tensor -= (2e-6 if is_bias else 1e-6) * momentum
    ours = plain.tensors_of(plain.layers_of(network))
    for tensor, expected in zip(ours, tensors, strict=True):
        torch.testing.assert_close(tensor, expected, rtol=1e-7, atol=1e-9)
    assert method.learning_rate_factor(9, 10) == 1


@pytest.mark.parametrize("classes", [1, 11])
def test_parameter_count_is_vgg16s(classes: int) -> None:
    """13 convolutions, fc6 and fc7 of VGG16, and three scoring layers of 4,864 weights for each class."""
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    expected = sum(9 * a * b + b for a, b in pairwise(widths))
    expected += 49 * 512 * 4096 + 4096 + 4096 * 4096 + 4096
    expected += (256 + 512 + 4096 + 3) * classes
    with torch.device("meta"):
        network = FCN8s(classes)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
    assert expected == 134_260_544 + 4_867 * classes


@pytest.mark.parametrize("size", [32, 36, 44, 60, 64, 100])
def test_every_multiple_of_four_gets_logits_of_its_size(size: int) -> None:
    """(B, 3, S, S) gives (B, K, S, S)."""
    assert FCN8s(5, 1)(torch.zeros(2, 3, size, size)).shape == (2, 5, size, size)


def test_vgg16s_weights_give_vgg16s_features() -> None:
    """At 224², where a dense layer sees all of pool5, the centre of fc7 equals torchvision's VGG16."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vgg16 = torchvision.models.vgg16(init_weights=False).eval()
    network = FCN8s(1)
    network.load_vgg16(vgg16.state_dict())
    network.score_fc7 = nn.Identity()  # type: ignore[assignment]
    assert network.imagenet_weights
    photo = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    preset = torchvision.models.VGG16_Weights.IMAGENET1K_V1.transforms()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preset.mean, preset.std))
    with torch.inference_mode():
        expected = vgg16.classifier[:5](vgg16.features((photo - mean) / std).flatten(1))
        pool5 = network.to_pool5(
            network.to_pool4(network.to_pool3((photo * 2 - 1 - network.mean) / network.std))
        )
        fc7 = functional.relu(network.fc7(functional.relu(network.fc6(pool5))))
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(fc7[:, :, 3, 3], expected, rtol=1e-4, atol=1e-5)


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Tensor]:
    """A hub cache that holds the weights of a VGG16 of two channels in place of ImageNet's."""
    names = [f"layer{index}.{kind}" for index in range(15) for kind in ("weight", "bias")]
    layers = [layer for layer in FCN8s(1, 2).modules() if isinstance(layer, nn.Conv2d)][:15]
    shapes = [tensor.shape for layer in layers for tensor in (layer.weight, layer.bias) if tensor is not None]
    random = torch.Generator().manual_seed(0)
    weights = {
        name: torch.randn(shape, generator=random) / 10 for name, shape in zip(names, shapes, strict=True)
    }
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(weights, folder / "weights.pth")
    digest = hashlib.sha256((folder / "weights.pth").read_bytes()).hexdigest()
    name = f"vgg16-{digest[:8]}.pth"
    (folder / "weights.pth").rename(folder / name)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(fcn8s, "VGG16_URL", f"http://127.0.0.1:9/{name}")
    monkeypatch.setattr(fcn8s, "VGG16_CHANNELS", 2)
    return weights


def test_imagenet_weights_are_used_and_noted_when_they_are_there(cached: dict[str, Tensor]) -> None:
    """VGG16's own width starts from the cached file, another width from random weights; notes say which."""
    method, narrow = method_of(channels=2), method_of(channels=1)
    assert (method.notes, narrow.notes) == ({"imagenet_weights": True}, {"imagenet_weights": False})
    assert torch.equal(method.FCN.to_pool3[0].weight, cached["layer0.weight"])
    assert torch.equal(method.FCN.fc7.bias, cached["layer14.bias"])
    assert not method.FCN.score_fc7.weight.any()


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("had", [True, False])
def test_a_resumed_training_keeps_its_note(
    had: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Weights that appear or disappear before a resume change nothing: the checkpoint's answer stays."""
    there, spec = fcn8s.VGG16_URL, small_spec("fcn8s", channels=2)
    monkeypatch.setattr(fcn8s, "VGG16_URL", there if had else NOWHERE)
    first = SupervisedFCN8s(spec, CPU, TABLE)
    save_checkpoint(tmp_path / "checkpoint", first, {}, spec, 0)
    monkeypatch.setattr(fcn8s, "VGG16_URL", NOWHERE if had else there)
    second = SupervisedFCN8s(spec, CPU, TABLE)
    assert second.notes == {"imagenet_weights": not had}
    restore_checkpoint(tmp_path / "checkpoint", second, {}, spec, CPU)
    assert first.notes == second.notes == {"imagenet_weights": had}
    assert torch.equal(first.FCN.fc6.weight, second.FCN.fc6.weight)


def test_random_weights_are_he_normal() -> None:
    """Deviation √(2 / inputs) in every layer, 0 in scoring layers and biases."""
    network = FCN8s(3, 8)
    network.initialise(torch.Generator().manual_seed(0))
    for layer in [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]:
        assert layer.bias is not None
        assert not layer.bias.any()
        if layer.out_channels == 3:
            assert not layer.weight.any()
        else:
            inputs = layer.weight[0].numel()
            error = 4 / (2 * layer.weight.numel()) ** 0.5
            assert layer.weight.std().item() == pytest.approx((2 / inputs) ** 0.5, rel=error)


def test_dropout_halves_at_random_and_keeps_the_mean() -> None:
    """Values become 0 or are doubled; equal states give equal draws, also after a restore."""
    dropout = Dropout(0, CPU)
    x = torch.full((1, 64, 16, 16), 3.0)
    first = dropout(x)
    assert set(first.unique().tolist()) == {0.0, 6.0}
    assert first.mean().item() == pytest.approx(3, rel=0.05)
    twin = Dropout(1, CPU)
    twin.load_state_dict(dropout.state_dict())
    second = dropout(x)
    assert not torch.equal(first, second)
    assert torch.equal(twin(x), second)


def test_translating_drops_nothing() -> None:
    """Without a dropout argument the logits are the same every time."""
    network = method_of().FCN
    nn.init.normal_(network.score_fc7.weight, generator=torch.Generator().manual_seed(0))
    x = batch_of(32).x.float()
    assert torch.equal(network(x), network(x))


def test_logits_leave_bfloat16() -> None:
    """Under bfloat16 autocast the logits, and therefore the loss, are float32."""
    with torch.autocast("cpu", torch.bfloat16):
        assert method_of().FCN(batch_of(32).x.float()).dtype == torch.float32


def test_a_crop_without_a_counted_pixel_has_loss_zero() -> None:
    """A crop in which all pixels are ignored has loss 0, not NaN, and leaves the weights finite."""
    method = method_of()
    batch = batch_of(32)
    losses = method.step(Batch(batch.x.float(), batch.y, 2, torch.full((2, 32, 32), TABLE.ignore)))
    assert losses["cross_entropy"] == 0
    assert all(torch.isfinite(parameter).all() for parameter in method.FCN.parameters())


def test_images_without_classes_are_refused() -> None:
    """Without a class table the error says that the method learns classes."""
    with pytest.raises(ValueError, match="fcn8s learns classes"):
        SupervisedFCN8s(small_spec("fcn8s"), CPU, None)


@pytest.mark.gpu
def test_a_gpu_resumes_with_the_dropout_it_would_have_drawn(tmp_path: Path) -> None:
    """On a GPU, a step after a checkpoint has the same loss as in the uninterrupted training."""
    device, spec = torch.device("cuda"), small_spec("fcn8s", channels=8)
    on_gpu = [batch_of(32, step) for step in range(2)]
    batches = [Batch(b.x.float().cuda(), b.y, 2, b.classes.cuda()) for b in on_gpu if b.classes is not None]
    whole = SupervisedFCN8s(spec, device, TABLE)
    whole.step(batches[0])
    save_checkpoint(tmp_path / "checkpoint", whole, {}, spec, 1)
    resumed = SupervisedFCN8s(spec, device, TABLE)
    restore_checkpoint(tmp_path / "checkpoint", resumed, {}, spec, device)
    torch.testing.assert_close(
        resumed.step(batches[1])["cross_entropy"], whole.step(batches[1])["cross_entropy"]
    )

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, logsigmoid

from models.catalog import METHODS, OPTIONS
from models.images.tensors import scaled, to_tensor
from models.training.data import Batch
from models.training.methods import Method, method_named
from models.training.networks import Discriminator, Generator, initialise
from tests.models import plain
from tests.models.runs import TABLE, scene, small_spec

Losses = dict[str, Tensor]


class Plain(Protocol):
    def step(self, x: Tensor, y: Tensor, pairs: int, m: Tensor) -> Losses: ...


def over(m: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The mean of |a − b| where the mask is 1."""
    return ((a - b).abs() * m).sum() / m.expand_as(a).sum()


class PlainTraining:
    """Weights and optimisers of a method, copied into the plain float64 networks."""

    def __init__(self, method: Method) -> None:
        layers = {name: plain.layers_of(network) for name, network in method.networks.items()}
        self.G_XY, self.G_YX, self.D_X, self.D_Y = (layers[name] for name in ("G_XY", "G_YX", "D_X", "D_Y"))
        self.adam_G = plain.Adam(plain.tensors_of(self.G_XY, self.G_YX), 2e-4, 0.5, 0.999)
        self.adam_D = plain.Adam(plain.tensors_of(self.D_X, self.D_Y), 2e-4, 0.5, 0.999)

    def layers(self) -> dict[str, plain.Layers]:
        return {"G_XY": self.G_XY, "G_YX": self.G_YX, "D_X": self.D_X, "D_Y": self.D_Y}


class PlainHybrid(PlainTraining):
    """Eq. 1 to 6, with separate network calls. The pool is still filling, so it returns the newest fakes.

    Only pixels where the mask `m` is 1 count of label maps, the true and the translated.
    """

    def step(self, x: Tensor, y: Tensor, pairs: int, m: Tensor) -> Losses:
        G_XY, G_YX = lambda v: plain.generator(self.G_XY, v), lambda v: plain.generator(self.G_YX, v)
        C_X, C_Y = lambda v: plain.discriminator(self.D_X, v), lambda v: plain.discriminator(self.D_Y, v)
        losses = {
            "G_gan": -logsigmoid(C_Y(G_XY(x) * m) - C_Y(y)).mean() - logsigmoid(C_X(G_YX(y)) - C_X(x)).mean(),
            "G_cycle": (G_YX(G_XY(x)) - x).abs().mean() + over(m, G_XY(G_YX(y)), y),
            "G_identity": (G_YX(x) - x).abs().mean() + over(m, G_XY(y), y),
        }
        total = losses["G_gan"] + 10 * losses["G_cycle"] + 10 * losses["G_identity"]
        if pairs:
            x_p, y_p, m_p = x[:pairs], y[:pairs], m[:pairs]
            losses["G_l1"] = over(m_p, G_XY(x_p), y_p) + over(m_p, G_YX(y_p), x_p)
            total = total + 150 * losses["G_l1"]
        fake_x, fake_y = G_YX(y).detach(), G_XY(x).detach() * m
        self.adam_G.descend(total)
        losses["D_X"] = -logsigmoid(C_X(x) - C_X(fake_x)).mean()
        losses["D_Y"] = -logsigmoid(C_Y(y) - C_Y(fake_y)).mean()
        self.adam_D.descend(losses["D_X"] + losses["D_Y"])
        return losses | {"G": total}


class PlainPix2Pix(PlainTraining):
    """Isola et al. 2017, in both directions: conditional cross-entropy GAN and 100 × L1.

    As in their code, the discriminators step first, and then judge the generators.
    """

    def step(self, x: Tensor, y: Tensor, pairs: int, m: Tensor) -> Losses:
        def judged(layers: plain.Layers, condition: Tensor, image: Tensor, real: float) -> Tensor:
            logits = plain.discriminator(layers, torch.cat([condition, image], dim=1))
            return binary_cross_entropy_with_logits(logits, torch.full_like(logits, real))

        fake_y, fake_x = plain.generator(self.G_XY, x), plain.generator(self.G_YX, y)
        seen_x, seen_y = fake_x.detach(), fake_y.detach() * m
        discriminators = {
            "D_X": (judged(self.D_X, y, x, 1) + judged(self.D_X, y, seen_x, 0)) / 2,
            "D_Y": (judged(self.D_Y, x, y, 1) + judged(self.D_Y, x, seen_y, 0)) / 2,
        }
        self.adam_D.descend(discriminators["D_X"] + discriminators["D_Y"])
        losses = {
            "G_gan": judged(self.D_Y, x, fake_y * m, 1) + judged(self.D_X, y, fake_x, 1),
            "G_l1": over(m, fake_y, y) + over(m, fake_x, x),
        }
        total = losses["G_gan"] + 100 * losses["G_l1"]
        self.adam_G.descend(total)
        return losses | discriminators | {"G": total}


class PlainTripathy(PlainTraining):
    """Tripathy et al. 2018: least-squares GANs, two of which judge an image together with its condition."""

    def __init__(self, method: Method) -> None:
        super().__init__(method)
        self.D_C, self.D_D = (plain.layers_of(method.networks[name]) for name in ("D_C", "D_D"))
        self.adam_CD = plain.Adam(plain.tensors_of(self.D_C, self.D_D), 1e-4, 0.5, 0.999)

    def layers(self) -> dict[str, plain.Layers]:
        return super().layers() | {"D_C": self.D_C, "D_D": self.D_D}

    def step(self, x: Tensor, y: Tensor, pairs: int, m: Tensor) -> Losses:
        G_XY, G_YX = lambda v: plain.generator(self.G_XY, v), lambda v: plain.generator(self.G_YX, v)

        def error(layers: plain.Layers, truth: float, *images: Tensor) -> Tensor:
            return ((plain.discriminator(layers, torch.cat(images, dim=1)) - truth) ** 2).mean()

        fake_x, fake_y = G_YX(y), G_XY(x)
        cycled_x, cycled_y = G_YX(fake_y), G_XY(fake_x)
        if pairs:
            seen_by_C, seen_by_D = ((x, y), (fake_x, y)), ((y, x), (fake_y * m, x))
        else:
            seen_by_C, seen_by_D = ((x, fake_y), (cycled_x, fake_y)), ((y, fake_x), (cycled_y * m, fake_x))
        losses = {
            "G_gan": error(self.D_X, 1, fake_x) + error(self.D_Y, 1, fake_y * m),
            "G_conditional": error(self.D_C, 1, *seen_by_C[1]) + error(self.D_D, 1, *seen_by_D[1]),
            "G_cycle": l1_loss(cycled_x, x) + over(m, cycled_y, y),
            "G_identity": l1_loss(G_YX(x), x) + over(m, G_XY(y), y),
        }
        total = losses["G_gan"] + losses["G_conditional"]
        total = total + 10 * losses["G_cycle"] + 5 * losses["G_identity"]
        self.adam_G.descend(total)
        for name, D, real, fake in (
            ("D_X", self.D_X, (x,), (fake_x,)),
            ("D_Y", self.D_Y, (y,), (fake_y * m,)),
            ("D_C", self.D_C, *seen_by_C),
            ("D_D", self.D_D, *seen_by_D),
        ):
            real, fake = [image.detach() for image in real], [image.detach() for image in fake]
            losses[name] = (error(D, 1, *real) + error(D, 0, *fake)) / 2
        self.adam_D.descend(losses["D_X"] + losses["D_Y"])
        self.adam_CD.descend(losses["D_C"] + losses["D_D"])
        return losses | {"G": total}


def images(seed: int, batch: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, 32, 32, dtype=torch.float64, generator=random) * 2 - 1


@pytest.mark.parametrize("holes", [False, True], ids=["all labelled", "some unlabelled"])
@pytest.mark.parametrize(
    ("name", "oracle", "kinds"),
    [
        ("hybrid", PlainHybrid, [2, 0, 1]),
        ("cyclegan", PlainHybrid, [0, 0]),
        ("pix2pix", PlainPix2Pix, [2, 2]),
        ("tripathy", PlainTripathy, [2, 2, 0, 0]),
    ],
)
def test_training_steps_equal_a_plain_computation(
    name: str, oracle: Callable[[Method], Plain], kinds: list[int], holes: bool
) -> None:
    """Losses and all weights after whole steps equal the paper's formulas with separate calls and own Adam.

    Several steps in float64, so that Adam's moments and the order of the two updates matter. A batch of one
    pair and one unpaired sample is what a joint step sees. Without holes in the label maps the losses are the
    published ones.
    """
    method = method_named(name)(small_spec(name, channels=4, batch_size=2), torch.device("cpu"), TABLE)
    reference: Any = oracle(method)
    for network in method.networks.values():
        network.double()
    for step, pairs in enumerate(kinds):
        x, y, m = images(2 * step, 2), images(2 * step + 1, 2), torch.ones(2, 1, 32, 32, dtype=torch.float64)
        if holes:
            m = (images(100 + step, 2)[:, :1] > -0.4).double()
            y = y * m
        batch = Batch(x, y, pairs, labelled=m.bool() if holes else None)
        losses, expected = method.step(batch), reference.step(x, y, pairs, m)
        assert losses.keys() == expected.keys()
        for loss_name, loss in losses.items():
            torch.testing.assert_close(loss, expected[loss_name].detach(), rtol=1e-8, atol=1e-10)
    for network_name, layers in reference.layers().items():
        ours = plain.layers_of(method.networks[network_name])
        for ours_tensor, tensor in zip(plain.tensors_of(ours), plain.tensors_of(layers), strict=True):
            torch.testing.assert_close(ours_tensor, tensor, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "network", [Generator(4, 2), Discriminator(channels=4)], ids=["generator", "discriminator"]
)
def test_a_larger_batch_equals_separate_calls(network: nn.Module) -> None:
    """No layer couples samples: one call on three images gives the same as three calls."""
    initialise(network, torch.Generator().manual_seed(0))
    batch = images(0, 3).float()
    separate = torch.cat([network(sample[None]) for sample in batch])
    torch.testing.assert_close(network(batch), separate, rtol=1e-4, atol=1e-5)


def test_the_unconditional_option_of_pix2pix() -> None:
    """`conditional=False` makes discriminators with 3 input channels, and a step trains them."""
    spec = small_spec("pix2pix", conditional=False, adversarial="relativistic", lambda_l1=150.0, pool_size=2)
    method = method_named("pix2pix")(spec, torch.device("cpu"), TABLE)
    assert next(method.networks["D_Y"].parameters()).shape[1] == 3
    before = next(method.networks["D_Y"].parameters()).clone()
    method.step(Batch(images(0, 1).float(), images(1, 1).float(), 1))
    assert not torch.equal(next(method.networks["D_Y"].parameters()), before)


class Recorder:
    """Wraps an object and records which of its attributes are read."""

    def __init__(self, original: object) -> None:
        self.original, self.read = original, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self.original, name)


TRAINERS = {
    *("seed", "total_steps", "epochs", "batch_size", "image_size", "load_size"),
    *("learning_rate", "beta1", "beta2", "ema", "precision", "compile"),
    *("log_every", "checkpoint_every", "sample_every"),
}
"""The fields that the trainer heeds; a method on which one has no effect says so."""


def sample_batch(name: str, pairs: int) -> Batch:
    """One sample: a photo and a label map, or features and targets for a method that learns from them."""
    if name == "probe":
        random = torch.Generator().manual_seed(0)
        return Batch(torch.randn(64, 496, generator=random), torch.rand(64, 3, generator=random), pairs)
    classes = torch.zeros(pairs, 32, 32, dtype=torch.long)
    return Batch(images(0, 1).float(), images(1, 1).float(), pairs, classes)


@pytest.mark.parametrize("name", METHODS)
def test_unused_options_are_those_that_no_step_reads(name: str) -> None:
    """Creating the method, counting an epoch and its steps read all others; `label_resize` shapes y,
    which is a coloured label map unless the method keeps the aspect.

    Only the pretrained generator reads its encoder.
    """
    pretrained = {} if "generator" in METHODS[name].unused else {"generator": "pretrained"}
    spec: Any = Recorder(small_spec(name, **pretrained))
    method = method_named(name)(spec, torch.device("cpu"), TABLE)
    paired, unpaired = method_named(name).epoch_size(spec, 2, 3, 0)
    for pairs in [kind for kind, count in ((1, paired), (0, unpaired)) if count]:
        batch: Any = Recorder(sample_batch(name, pairs))
        method.step(batch)
        if "y" in batch.read and not METHODS[name].keeps_aspect:
            spec.read.add("label_resize")
    switches = {switch for facts in METHODS.values() for switch in facts.switches}
    options = OPTIONS.keys() - TRAINERS - switches
    assert METHODS[name].unused - TRAINERS == options - spec.read


@pytest.mark.parametrize("name", [name for name, facts in METHODS.items() if not facts.beyond])
def test_training_reconstructs_better(name: str) -> None:
    """Thirty steps on one scene lower the method's main error by a third."""
    method = method_named(name)(small_spec(name, channels=8, learning_rate=2e-3), torch.device("cpu"), TABLE)
    photo, label_map = scene(0, height=32, width=32)
    x, y = scaled(to_tensor(photo))[None], scaled(to_tensor(TABLE.encode(label_map)))[None]
    batch = Batch(x, y, int(METHODS[name].needs_pairs), torch.from_numpy(label_map).long()[None])
    key = {"cyclegan": "G_cycle", "tripathy": "G_cycle", "fcn8s": "cross_entropy"}.get(name, "G_l1")
    first, *_, last = [method.step(batch)[key].item() for _ in range(30)]
    assert last < 0.67 * first


def test_tripathys_conditional_discriminators_learn_at_half_the_rate() -> None:
    """They have six input channels, an optimiser of their own, and no image pool."""
    method = method_named("tripathy")(small_spec("tripathy"), torch.device("cpu"), TABLE)
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in method.optimizers.items()}
    assert rates == {"G": 2e-4, "D": 2e-4, "CD": 1e-4}
    inputs = {name: next(network.parameters()).shape[1] for name, network in method.networks.items()}
    assert inputs == {"G_XY": 3, "G_YX": 3, "D_X": 3, "D_Y": 3, "D_C": 6, "D_D": 6}
    assert method.pools.keys() == {"X", "Y"}

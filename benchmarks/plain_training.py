"""Training steps in the order of the public CycleGAN and pix2pix code, which speed is measured against.

The networks consist of PyTorch's own layers, each image goes through a network call of its own, and the image
pool is a list.
"""

import random
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, softplus

from models.catalog import TrainingSpec
from models.training.data import Batch


class PlainBlock(nn.Module):
    """A residual block."""

    def __init__(self, c: int) -> None:
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), nn.InstanceNorm2d(c)]
        other = [nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), nn.InstanceNorm2d(c)]
        self.layers = nn.Sequential(*half, nn.ReLU(True), *other)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.layers(x)
        return y


def plain_generator(c: int, blocks: int) -> nn.Module:
    """The paper's generator."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, c, 7), nn.InstanceNorm2d(c), nn.ReLU(True)]
    for n in (2 * c, 4 * c):
        layers += [nn.Conv2d(n // 2, n, 3, 2, 1), nn.InstanceNorm2d(n), nn.ReLU(True)]
    layers += [PlainBlock(4 * c) for _ in range(blocks)]
    for n in (2 * c, c):
        layers += [nn.ConvTranspose2d(2 * n, n, 3, 2, 1, 1), nn.InstanceNorm2d(n), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(c, 3, 7), nn.Tanh())


def plain_discriminator(c: int, inputs: int) -> nn.Module:
    """The 70×70 PatchGAN, for images with `inputs` channels."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, c, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for n, stride in ((2 * c, 2), (4 * c, 2), (8 * c, 1)):
        layers += [nn.Conv2d(n // 2, n, 4, stride, 1), nn.InstanceNorm2d(n), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(*layers, nn.Conv2d(8 * c, 1, 4, 1, 1))


class PlainPool:
    """A list of images that decides for one image after the other."""

    def __init__(self, size: int) -> None:
        self.size, self.images = size, list[Tensor]()

    def query(self, fakes: Tensor) -> Tensor:
        answers = []
        for fake in torch.split(fakes.detach(), 1):
            if len(self.images) < self.size:
                self.images.append(fake)
            elif random.uniform(0, 1) > 0.5:
                index = random.randrange(self.size)
                fake, self.images[index] = self.images[index].clone(), fake
            answers.append(fake)
        return torch.cat(answers)


class PlainTraining:
    """The step of hybrid, of CycleGAN (hybrid without pairs) or of pix2pix, as the spec's method says."""

    def __init__(self, spec: TrainingSpec, device: torch.device) -> None:
        self.spec = spec
        inputs = 6 if spec.conditional else 3
        self.G_XY, self.G_YX = (plain_generator(spec.channels, spec.blocks).to(device) for _ in range(2))
        self.D_X, self.D_Y = (plain_discriminator(spec.channels, inputs).to(device) for _ in range(2))
        self.adam_G, self.adam_D = self._adam(self.G_XY, self.G_YX), self._adam(self.D_X, self.D_Y)
        self.pool_X, self.pool_Y = PlainPool(spec.pool_size), PlainPool(spec.pool_size)

    @property
    def networks(self) -> dict[str, nn.Module]:
        return {"G_XY": self.G_XY, "G_YX": self.G_YX, "D_X": self.D_X, "D_Y": self.D_Y}

    def _adam(self, *networks: nn.Module) -> torch.optim.Adam:
        parameters = [parameter for network in networks for parameter in network.parameters()]
        return torch.optim.Adam(parameters, lr=self.spec.learning_rate, betas=(0.5, 0.999))

    def take_weights(self, networks: Mapping[str, nn.Module]) -> None:
        """Start from the weights of `networks`, which have the same names and shapes."""
        with torch.no_grad():
            for name, network in self.networks.items():
                for own, other in zip(network.parameters(), networks[name].parameters(), strict=True):
                    own.copy_(other)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        return self._pix2pix(batch.x, batch.y) if self.spec.method == "pix2pix" else self._hybrid(batch)

    def _hybrid(self, batch: Batch) -> dict[str, Tensor]:
        x, y, pairs, spec = batch.x, batch.y, batch.pairs, self.spec
        fake_y = self.G_XY(x)
        cycled_x = self.G_YX(fake_y)
        fake_x = self.G_YX(y)
        cycled_y = self.G_XY(fake_x)
        self._freeze_discriminators(True)
        self.adam_G.zero_grad()
        same_y, same_x = self.G_XY(y), self.G_YX(x)
        loss = (
            softplus(self.D_Y(y) - self.D_Y(fake_y)).mean() + softplus(self.D_X(x) - self.D_X(fake_x)).mean()
        )
        loss = loss + spec.lambda_cycle * (l1_loss(cycled_x, x) + l1_loss(cycled_y, y))
        loss = loss + spec.lambda_identity * (l1_loss(same_x, x) + l1_loss(same_y, y))
        if pairs:
            truth = l1_loss(fake_y[:pairs], y[:pairs]) + l1_loss(fake_x[:pairs], x[:pairs])
            loss = loss + spec.lambda_l1 * truth
        torch.autograd.backward(loss)
        self.adam_G.step()
        self._freeze_discriminators(False)
        self.adam_D.zero_grad()
        loss_X = softplus(self.D_X(self.pool_X.query(fake_x)) - self.D_X(x)).mean()
        torch.autograd.backward(loss_X)
        loss_Y = softplus(self.D_Y(self.pool_Y.query(fake_y)) - self.D_Y(y)).mean()
        torch.autograd.backward(loss_Y)
        self.adam_D.step()
        return {"G": loss.detach(), "D_X": loss_X.detach(), "D_Y": loss_Y.detach()}

    def _pix2pix(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        fake_y, fake_x = self.G_XY(x), self.G_YX(y)
        self._freeze_discriminators(False)
        self.adam_D.zero_grad()
        losses = {}
        for name, D, condition, real, fake in (
            ("D_X", self.D_X, y, x, fake_x),
            ("D_Y", self.D_Y, x, y, fake_y),
        ):
            on_fake = softplus(D(torch.cat([condition, fake.detach()], 1))).mean()
            on_real = softplus(-D(torch.cat([condition, real], 1))).mean()
            losses[name] = (on_fake + on_real) / 2
            torch.autograd.backward(losses[name])
        self.adam_D.step()
        self._freeze_discriminators(True)
        self.adam_G.zero_grad()
        loss = softplus(-self.D_X(torch.cat([y, fake_x], 1))).mean()
        loss = loss + softplus(-self.D_Y(torch.cat([x, fake_y], 1))).mean()
        loss = loss + self.spec.lambda_l1 * (l1_loss(fake_y, y) + l1_loss(fake_x, x))
        torch.autograd.backward(loss)
        self.adam_G.step()
        return {name: value.detach() for name, value in (losses | {"G": loss}).items()}

    def _freeze_discriminators(self, frozen: bool) -> None:
        for discriminator in (self.D_X, self.D_Y):
            discriminator.requires_grad_(not frozen)

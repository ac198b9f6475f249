from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor
from torch.nn.functional import l1_loss, softplus

from models.training.data import Batch
from models.training.methods import method_named
from tests.models.runs import TABLE, small_spec


def images(seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, 32, 32, dtype=torch.float64, generator=random) * 2 - 1


@pytest.mark.parametrize("pairs", [2, 0, 1], ids=["paired", "unpaired", "joint"])
def test_three_generator_calls_have_the_gradients_of_six(pairs: int) -> None:
    """Every gradient of a hybrid step equals that of six separate generator calls, to float64's rounding."""
    method = method_named("hybrid")(
        small_spec("hybrid", channels=4, batch_size=2), torch.device("cpu"), TABLE
    )
    for network in method.networks.values():
        network.double()
    twins = {name: copy.deepcopy(network) for name, network in method.networks.items()}
    G_XY, G_YX, D_X, D_Y = (twins[name] for name in ("G_XY", "G_YX", "D_X", "D_Y"))
    x, y = images(0), images(1)

    fake_y, fake_x = G_XY(x), G_YX(y)
    total = softplus(D_Y(y) - D_Y(fake_y)).mean() + softplus(D_X(x) - D_X(fake_x)).mean()
    total = total + 10 * (l1_loss(G_YX(fake_y), x) + l1_loss(G_XY(fake_x), y))
    total = total + 10 * (l1_loss(G_YX(x), x) + l1_loss(G_XY(y), y))
    if pairs:
        truth = l1_loss(fake_y[:pairs], y[:pairs]) + l1_loss(fake_x[:pairs], x[:pairs])
        total = total + 150 * truth
    of_D = softplus(D_X(fake_x.detach()) - D_X(x)).mean() + softplus(D_Y(fake_y.detach()) - D_Y(y)).mean()

    method.step(Batch(x, y, pairs))
    for names, loss in ((("G_XY", "G_YX"), total), (("D_X", "D_Y"), of_D)):
        ours = [p.grad for name in names for p in method.networks[name].parameters()]
        expected = torch.autograd.grad(loss, [p for name in names for p in twins[name].parameters()])
        for gradient, one in zip(ours, expected, strict=True):
            assert gradient is not None
            torch.testing.assert_close(gradient, one, rtol=1e-7, atol=1e-10)

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.encoders.feature_maps import feature_maps
from models.training.networks.dense import DenseNetwork, at_stride_8


def network() -> DenseNetwork:
    """Random weights everywhere, also in the head and its statistics."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        dense = DenseNetwork(feature_maps("efficientnet_lite0"), 5)
        for tensor in (dense.head.weight, dense.head.bias, dense.head.mean):
            nn.init.normal_(tensor)
        nn.init.uniform_(dense.head.std, 0.5, 2)
    return dense.eval()


def photos(height: int = 64, width: int = 96) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.no_grad()
def test_the_head_is_linear_in_the_standardised_features() -> None:
    """Its logits equal weights times standardised features at stride 8, computed feature by feature."""
    dense = network()
    maps = dense.encoder(photos())
    features = at_stride_8(maps)
    assert features.shape == (2, 496, 8, 12)
    head = dense.head
    standard = (features - head.mean[:, None, None]) / head.std[:, None, None]
    expected = torch.einsum("kc,bchw->bkhw", head.weight, standard) + head.bias[:, None, None]
    torch.testing.assert_close(dense(photos()), expected, rtol=1e-4, atol=1e-4)


def test_features_at_stride_8_are_averages_and_interpolations() -> None:
    """A cell has the mean of its four cells at stride 4, and half of the way to its neighbours above 8."""
    maps = [torch.arange(16.0).view(1, 1, 4, 4), torch.zeros(1, 1, 2, 2), torch.tensor([[[[3.0]]]])]
    features = at_stride_8(maps)
    assert features[0, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert features[0, 2].tolist() == [[3, 3], [3, 3]]


@torch.no_grad()
def test_the_temperature_divides_the_logits() -> None:
    """A temperature of 2 halves every logit."""
    dense = network()
    before = dense(photos())
    dense.temperature.fill_(2)
    torch.testing.assert_close(dense(photos()), before / 2)


class OneAtStride4(nn.Module):
    """A decoder that adds one everywhere, at the stride of the first map."""

    def forward(self, maps: list[Tensor]) -> Tensor:
        return torch.ones(len(maps[0]), 5, *maps[0].shape[2:])


@torch.no_grad()
def test_a_decoder_adds_to_the_head_at_its_own_stride() -> None:
    """The sum has the decoder's size; it is the head's logits, resized, plus the decoder's."""
    dense = network()
    plain = nn.functional.interpolate(dense(photos()), (16, 24), mode="bilinear")
    dense.decoder = OneAtStride4()
    torch.testing.assert_close(dense(photos()), plain + 1)

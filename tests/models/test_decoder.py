"""The light decoder."""

import torch
from torch import Tensor

from models.training.networks.decoder import Decoder


def _decoder(classes: int = 5) -> Decoder:
    decoder = Decoder((6, 8, 10, 12), classes)
    decoder.initialise(torch.Generator().manual_seed(0))
    return decoder


def _maps(height: int, width: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(1)
    sizes = zip((6, 8, 10, 12), (4, 8, 16, 32), strict=True)
    return [torch.randn(2, count, height // s, width // s, generator=random) for count, s in sizes]


def test_the_decoder_gives_zeros_at_stride_4_before_training() -> None:
    """All logits are 0, so that a training starts from what the decoder is added to."""
    logits = _decoder()(_maps(64, 96))
    assert logits.shape == (2, 5, 16, 24)
    assert not logits.any()


def test_every_map_and_every_weight_counts_once_the_last_layer_has_moved() -> None:
    """Each of the four maps changes the logits, and every weight gets a gradient."""
    decoder = _decoder()
    torch.nn.init.normal_(decoder.classify.weight, generator=torch.Generator().manual_seed(2))
    maps = [one.requires_grad_() for one in _maps(64, 64)]
    decoder(maps).square().sum().backward()
    assert all(one.grad is not None and one.grad.any() for one in maps)
    assert all(weight.grad is not None and weight.grad.any() for weight in decoder.parameters())


def test_a_photo_is_decoded_the_same_alone_and_in_a_batch() -> None:
    """No layer mixes the photos of a batch."""
    decoder = _decoder()
    torch.nn.init.normal_(decoder.classify.weight, generator=torch.Generator().manual_seed(2))
    maps = _maps(64, 64)
    alone = decoder([one[1:] for one in maps])
    torch.testing.assert_close(decoder(maps)[1:], alone)

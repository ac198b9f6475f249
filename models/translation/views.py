"""Class probabilities averaged over several views of a photo: mirrored, and at several scales."""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import interpolate

SCALES = {"flip": (1.0,), "scales": (1.0, 0.75, 1.25)}
_LEAST = 1e-12  # so that the logarithm is finite


def mean_logits(
    network: Callable[[Tensor], Tensor], photos_at: Callable[[float], Tensor], test_time: str
) -> Tensor:
    """Class logits (B, K, h, w): the logarithm of the mean of the probabilities of several views.

    `photos_at(scale)` gives the photos (B, 3, H, W) at about scale times their size; `test_time` says which
    scales; each photo is also seen mirrored. The result has the size of the logits at scale 1.
    """
    total: Tensor | None = None
    for scale in SCALES[test_time]:
        photos = photos_at(scale)
        mirrored = network(photos.flip(-1)).flip(-1)
        for logits in (network(photos), mirrored):
            probabilities = logits.float().softmax(dim=1)
            if total is None:
                total = probabilities
            else:
                total += interpolate(probabilities, total.shape[-2:], mode="bilinear", antialias=True)
    assert total is not None
    return (total / (2 * len(SCALES[test_time]))).clamp_(min=_LEAST).log_()

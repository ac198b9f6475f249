"""Losses of class logits against label maps, and against the guesses of a teacher."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy


class WeightedCrossEntropy(nn.Module):
    r"""$\sum_i w_{y_i} \cdot -\log p_i(y_i) \,/\, \sum_i w_{y_i}$ over the labelled pixels, 0 if none is.

    `weights` (K) is a buffer, so that checkpoints hold it.
    """

    weights: Tensor

    def __init__(self, classes: int, ignore: int) -> None:
        super().__init__()
        self.ignore = ignore
        self.register_buffer("weights", torch.ones(classes))

    def forward(self, logits_BKHW: Tensor, classes_BHW: Tensor) -> Tensor:
        """`classes_BHW` are int64; pixels of the class `ignore` do not count."""
        total = cross_entropy(
            logits_BKHW, classes_BHW, self.weights, ignore_index=self.ignore, reduction="sum"
        )
        labelled = classes_BHW[classes_BHW != self.ignore]
        return total / self.weights[labelled].sum().clamp(min=torch.finfo(total.dtype).tiny)


def labelled_cross_entropy(logits_BKHW: Tensor, classes_BHW: Tensor, ignore: int) -> Tensor:
    """The mean cross-entropy over the pixels whose class is not `ignore`; 0 when there is none."""
    total = cross_entropy(logits_BKHW, classes_BHW, ignore_index=ignore, reduction="sum")
    return total / (classes_BHW != ignore).sum().clamp(min=1)


def confident_cross_entropy(logits_BKHW: Tensor, guesses_BHW: Tensor, sure_BHW: Tensor) -> Tensor:
    """The consistency loss of FixMatch (Sohn et al. 2020) for pixels: the mean over all pixels of the
    cross-entropy against the teacher's guess (int64), where the pixels that are not `sure` (bool) count 0.
    """
    return (cross_entropy(logits_BKHW, guesses_BHW, reduction="none") * sure_BHW).mean()

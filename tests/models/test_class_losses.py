"""The losses of class logits, against plain loops over pixels."""

import math

import torch
from torch import Tensor

from models.training.augmentation import mixed
from models.training.class_losses import WeightedCrossEntropy, confident_cross_entropy

IGNORE = 255


def _random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _negative_log_probability(logits_BKHW: Tensor, place: tuple[int, int, int], index: int) -> float:
    sample, row, column = place
    scores = logits_BKHW[sample, :, row, column].tolist()
    return math.log(sum(math.exp(score) for score in scores)) - float(scores[index])


def test_the_weighted_loss_equals_a_loop_and_skips_unlabelled_pixels() -> None:
    """The weighted mean over labelled pixels, pixel by pixel, is the loss."""
    logits = torch.randn(2, 3, 4, 5, generator=_random())
    classes = torch.randint(0, 3, (2, 4, 5), generator=_random())
    classes[:, 0] = IGNORE
    loss = WeightedCrossEntropy(3, IGNORE)
    loss.weights.copy_(torch.tensor([1.0, 2.5, 10.0]))
    total = weight = 0.0
    for place in torch.cartesian_prod(torch.arange(2), torch.arange(1, 4), torch.arange(5)).tolist():
        index = int(classes[tuple(place)])
        total += float(loss.weights[index]) * _negative_log_probability(logits, tuple(place), index)
        weight += float(loss.weights[index])
    torch.testing.assert_close(loss(logits, classes), torch.tensor(total / weight))


def test_a_crop_without_labelled_pixels_has_no_loss_and_no_gradient() -> None:
    """The loss of unlabelled pixels alone is 0, not NaN, and so are its gradients."""
    logits = torch.randn(1, 3, 2, 2, generator=_random(), requires_grad=True)
    loss = WeightedCrossEntropy(3, IGNORE)(logits, torch.full((1, 2, 2), IGNORE))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_the_consistency_loss_equals_a_loop() -> None:
    """With CutMix, a pixel's guess and sureness come from where its photo's pixel comes from; unsure pixels
    add nothing, but count in the mean."""
    strong = torch.randn(3, 4, 5, 6, generator=_random())
    teacher = torch.softmax(3 * torch.randn(3, 4, 5, 6, generator=_random(1)), dim=1)
    masks = torch.rand(3, 5, 6, generator=_random(2)) < 0.5
    total, counted = 0.0, 0
    for sample, row, column in torch.cartesian_prod(*(torch.arange(n) for n in (3, 5, 6))).tolist():
        source = (sample - 1) % 3 if masks[sample, row, column] else sample
        probabilities = teacher[source, :, row, column].tolist()
        if max(probabilities) >= 0.9:
            counted += 1
            guess = probabilities.index(max(probabilities))
            total += _negative_log_probability(strong, (sample, row, column), guess)
    sureness, guesses = teacher.max(dim=1)
    loss = confident_cross_entropy(strong, mixed(guesses, masks), mixed(sureness >= 0.9, masks))
    assert 0 < counted < 90
    torch.testing.assert_close(loss, torch.tensor(total / 90))

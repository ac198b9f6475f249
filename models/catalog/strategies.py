"""The selection strategies. A new one is an entry here and its file in `models.selection.strategies`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StrategyFacts:
    """What is known of a selection strategy without loading it.

    `implementation` is a `models.selection.problem.Strategy`, as "module:function". `pairwise` says that it
    compares all pairs of images, and of more than `PAIRWISE` images a sample; `patches` that it needs the
    features of the images' patches. The picks of a `nested` strategy for a small budget are the first ones
    for a larger budget.
    """

    implementation: str
    summary: str
    pairwise: bool = False
    patches: bool = False
    nested: bool = False


STRATEGIES: dict[str, StrategyFacts] = {
    "kmedoids": StrategyFacts(
        "models.selection.strategies.kmedoids:kmedoids",
        "one image for each cluster of photos, as in the paper",
    ),
    "fasterpam": StrategyFacts(
        "models.selection.strategies.fasterpam:fasterpam",
        "the same objective as kmedoids, searched longer",
        pairwise=True,
    ),
    "kcenter": StrategyFacts("models.selection.strategies.kcenter:kcenter", "no image is far from a pick"),
    "typiclust": StrategyFacts(
        "models.selection.strategies.typiclust:typiclust", "the most typical image of each cluster"
    ),
    "probcover": StrategyFacts(
        "models.selection.strategies.probcover:probcover", "images in dense neighbourhoods", pairwise=True
    ),
    "facility": StrategyFacts(
        "models.selection.strategies.facility:facility",
        "one pick after the other, each the best for coverage",
        pairwise=True,
    ),
    "words": StrategyFacts(
        "models.selection.strategies.words:words",
        "images that show as many different things as possible, judged by their patches",
        patches=True,
        nested=True,
    ),
    "random": StrategyFacts(
        "models.selection.strategies.random_draw:random_draw", "a uniform draw, the control"
    ),
}
DEFAULT_STRATEGY = "kmedoids"
ADVISED = "advised"
"""In place of a strategy's name: the one that `models.advice.advised_strategy` gives."""
PAIRWISE = 16_384
"""Images up to which all pairs are compared: a table of 1 GiB. Of more images, this many are drawn."""

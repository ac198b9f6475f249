"""What all runs of an experiment have in common, and the samples that they draw."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalog import build, method_facts
from models.encoders import embed_with_patches, load_encoder
from models.experiments.dataset import Dataset, LabelSource, digest_of
from models.experiments.run import Run
from models.files import atomic_write
from models.selection import select

STEPS: dict[str, int | None] = {"paper": None, "small": 20_000, "tiny": 1_000}
"""The steps of every training, by scale; methods beyond the paper keep their own. None: the recipe's 200
epochs over the training's own samples.

§3.5 says that "the total number of epochs varies proportionally with the amount of samples". Taken literally
a training with all 2,975 photos would take millions of steps. Read as the length of a training, it says what
200 epochs give: 80,000 steps with 200 paired and 200 unpaired samples (the "∼5 hours" of §6.2.2), 595,000
with 2,975 pairs. §2.5 states the 200 epochs of Tripathy et al.: 50 over the pairs, 150 over the rest.
"""

Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Setting:
    """The setting of an experiment.

    `embeddings`, float32 (n, d), and `patches`, float16 (n, p, q), are what `encoder` gives of the train
    photos: strategies select by them. Some encoders give no patches.
    Every row of a table is trained `seeds` times; a row with random pairs is trained `draws` times.
    """

    data: Dataset
    embeddings: NDArray[np.float32]
    encoder: str = "resnet50"
    scale: str = "tiny"
    steps: int | None = None
    seeds: int = 1
    draws: int = 10
    sources: dict[str, LabelSource] = field(default_factory=dict)
    patches: NDArray[np.float16] | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for an unknown scale."""
        if self.scale not in STEPS:
            raise ValueError(f"there is no scale {self.scale!r}: choose one of {', '.join(STEPS)}")

    def unpaired(self, count: int) -> Names:
        """The `count` medoids of the train photos, to which an experiment is restricted (§4.1.1)."""
        return self.medoids(count, self.data.train)

    def medoids(self, count: int, among: Names) -> Names:
        """The `count` medoids of these photos."""
        return self.selected("kmedoids", count, among)

    def random(self, count: int, among: Names, draw: int) -> Names:
        """Random draw number `draw`: `count` of these photos, each equally likely."""
        random = np.random.default_rng([draw, count])
        return tuple(among[i] for i in random.choice(len(among), min(count, len(among)), replace=False))

    def run(
        self,
        method: str,
        seed: int = 0,
        *,
        pairs: Names = (),
        unpaired: Names = (),
        labels_from: str | None = None,
        **options: Any,
    ) -> Run:
        """A training with these pairs and unpaired photos.

        The unpaired label maps are the unpaired photos' own in another order, as in the paper, or come from a
        source. Samples that the method does not use are left out.
        """
        facts = method_facts(method)
        source = self.sources[labels_from] if labels_from else None
        names = tuple(source.label_maps) if source else unpaired
        shuffled = tuple(np.random.default_rng(seed).permutation(np.array(names, dtype=str)).tolist())
        steps = self.steps or (None if facts.beyond else STEPS[self.scale])
        length = {"total_steps": steps} if steps else {}
        return Run(
            self.data,
            build(self.scale, method, seed=seed, **length | options),
            pairs=pairs if facts.needs_pairs else (),
            photos=unpaired if facts.needs_unpaired else (),
            label_maps=shuffled[: max(len(unpaired), 1)] if facts.needs_unpaired else (),
            labels_from=source if facts.needs_unpaired else None,
        )

    def runs(self, method: str, **samples: Any) -> tuple[Run, ...]:
        """The same training once for every seed."""
        return tuple(self.run(method, seed, **samples) for seed in range(self.seeds))

    def words_runs(self, method: str, count: int, **samples: Any) -> tuple[Run, ...]:
        """A training for every seed, each from the pairs that `words` picks among all train photos with this
        seed.
        """
        everything = self.data.train
        return tuple(
            self.run(method, seed, pairs=self.selected("words", count, everything, seed), **samples)
            for seed in range(self.seeds)
        )

    def random_runs(self, method: str, count: int, among: Names, **samples: Any) -> tuple[Run, ...]:
        """One training for each random draw of pairs."""
        return tuple(
            self.run(method, draw, pairs=self.random(count, among, draw), **samples)
            for draw in range(self.draws)
        )

    @cache  # noqa: B019 - one setting lives as long as the program
    def selected(self, strategy: str, count: int, among: Names, seed: int = 0) -> Names:
        """At most `count` of these photos, picked by a selection strategy, in the order to label them."""
        rows = {name: row for row, name in enumerate(self.data.train)}
        chosen = [rows[name] for name in among]
        patches = None if self.patches is None else self.patches[chosen]
        budget = min(count, len(among))
        picks = select(strategy, self.embeddings[chosen], budget, seed=seed, patches=patches).picks
        return tuple(among[pick.index] for pick in picks)


def train_features(
    data: Dataset, encoder_name: str, work: Path, on_progress: Callable[[int, int], None] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float16] | None]:
    """The train photos' embeddings, float32 (n, d), and the features of their patches, float16 (n, p, q), if
    the encoder gives them. Both stay in `work` for the next experiment.

    ValueError names a photo that cannot be read.
    """
    photos = [data.photo("train", name) for name in data.train]
    kept = work / f"embeddings-{encoder_name}-{digest_of(photos)[:12]}.npz"
    if not kept.exists():
        encoder = load_encoder(encoder_name, device="auto")
        found = embed_with_patches(encoder, photos, on_progress=on_progress)
        if found.failures:
            first = found.failures[0]
            raise ValueError(f"{photos[first.index]} cannot be read: {first.reason}")
        # Given a name, np.savez would add a suffix.
        with atomic_write(kept) as temporary, temporary.open("wb") as file:
            if found.patches is None:
                np.savez(file, embeddings=found.embeddings)
            else:
                np.savez(file, embeddings=found.embeddings, patches=found.patches)
    with np.load(kept) as loaded:
        return loaded["embeddings"], loaded.get("patches")

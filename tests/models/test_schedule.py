from __future__ import annotations

from collections import Counter

import pytest

from models.training import recipes
from models.training.methods import method_named
from models.training.schedule import Draw, Schedule


def schedule(
    method: str, pairs: int, photos: int, label_maps: int, batch_size: int = 1, **options: object
) -> Schedule:
    spec = recipes.paper(method, batch_size=batch_size, **options)
    return Schedule(
        lambda epoch: method_named(method).epoch_size(spec, pairs, photos, epoch),
        pairs=pairs,
        photos=photos,
        label_maps=label_maps,
        batch_size=batch_size,
        seed=spec.seed,
        joint=spec.joint,
    )


def epoch_of(plan: Schedule, epoch: int) -> list[Draw]:
    return [plan.draw(step) for step in range(plan.steps(epoch), plan.steps(epoch + 1))]


def is_paired(draw: Draw) -> bool:
    assert len(draw.photos) == len(draw.label_maps)
    return len(draw.pairs) > 0


def test_balanced_epochs_repeat_pairs_to_match_the_photos() -> None:
    """20 pairs, 200 photos: 400 steps with every photo and label map once every pair 10 times (§4.1.5)."""
    draws = epoch_of(schedule("hybrid", 20, 200, 200), 0)
    assert Counter(is_paired(draw) for draw in draws) == {True: 200, False: 200}
    assert set(Counter(int(index) for draw in draws for index in draw.pairs).values()) == {10}
    assert sorted(int(index) for draw in draws for index in draw.photos) == list(range(200))
    assert sorted(int(index) for draw in draws for index in draw.label_maps) == list(range(200))


def test_unbalanced_epochs_see_every_pair_once() -> None:
    """`balance=False` is the paper's 20unbal: 20 paired and 200 unpaired steps."""
    draws = epoch_of(schedule("hybrid", 20, 200, 200, balance=False), 0)
    assert Counter(is_paired(draw) for draw in draws) == {True: 20, False: 200}


@pytest.mark.parametrize(
    ("method", "expected"), [("cyclegan", {False: 7}), ("pix2pix", {True: 3}), ("fcn8s", {True: 3})]
)
def test_other_methods_see_only_their_kind(method: str, expected: dict[bool, int]) -> None:
    """CycleGAN takes no paired step and pix2pix no unpaired one."""
    assert Counter(is_paired(draw) for draw in epoch_of(schedule(method, 3, 7, 5), 0)) == expected


def test_photos_and_label_maps_are_shuffled_independently() -> None:
    """An unpaired photo hardly ever meets the label map of the same number."""
    draws = epoch_of(schedule("hybrid", 20, 200, 200), 0)
    assert sum(int((draw.photos == draw.label_maps).sum()) for draw in draws) < 10


def test_joint_steps_have_both_kinds() -> None:
    """`joint=True`: 200 steps with both kinds, every photo once and every pair 10 times."""
    draws = epoch_of(schedule("hybrid", 20, 200, 200, joint=True), 0)
    assert [(len(draw.pairs), len(draw.photos)) for draw in draws] == [(1, 1)] * 200
    assert set(Counter(int(draw.pairs[0]) for draw in draws).values()) == {10}
    assert sorted(int(draw.photos[0]) for draw in draws) == list(range(200))


def test_paired_and_unpaired_steps_are_mixed() -> None:
    """Paired steps are spread over the epoch in random order, which differs between epochs."""
    plan = schedule("hybrid", 20, 200, 200)
    kinds = [[is_paired(draw) for draw in epoch_of(plan, epoch)] for epoch in (0, 1)]
    assert kinds[0] != kinds[1]
    assert all(40 < sum(kind[:150]) < 110 for kind in kinds)


@pytest.mark.parametrize("label_maps", [3, 11])
def test_label_maps_may_be_fewer_or_more_than_photos(label_maps: int) -> None:
    """Label maps are repeated or left out to match the photos; their counts differ by one at most."""
    counts = Counter(int(draw.label_maps[0]) for draw in epoch_of(schedule("cyclegan", 0, 7, label_maps), 0))
    assert sum(counts.values()) == 7
    assert max(counts.values()) - min(counts[index] for index in range(label_maps)) <= 1


def test_incomplete_batches_are_filled_up() -> None:
    """Every step has a whole batch of one kind: 5 pairs in batches of 4 make 2 steps."""
    draws = epoch_of(schedule("pix2pix", 5, 0, 0, batch_size=4), 0)
    assert [len(draw.pairs) for draw in draws] == [4, 4]
    assert {int(index) for draw in draws for index in draw.pairs} == set(range(5))


def test_a_draw_depends_on_seed_and_step_only() -> None:
    """Draws are the same in any order and from a new object; another seed gives others."""
    first, second = schedule("hybrid", 3, 9, 9), schedule("hybrid", 3, 9, 9)
    steps = [40, 3, 17, 3, 0]
    forwards = {step: first.draw(step) for step in range(41)}
    for step in steps:
        again = second.draw(step)
        for field in ("pairs", "photos", "label_maps"):
            assert getattr(again, field).tolist() == getattr(forwards[step], field).tolist()
    other = schedule("hybrid", 3, 9, 9, seed=1)
    assert [is_paired(other.draw(s)) for s in range(41)] != [is_paired(forwards[s]) for s in range(41)]


def test_epochs_of_different_sizes() -> None:
    """A method may see pairs first and unpaired samples later: draws follow each epoch's own size."""
    plan = Schedule(
        lambda epoch: (2, 0) if epoch == 0 else (0, 3), pairs=2, photos=3, label_maps=3, batch_size=1, seed=0
    )
    assert [is_paired(plan.draw(step)) for step in range(8)] == [True] * 2 + [False] * 6
    assert plan.steps(3) == 8


def test_the_papers_step_counts() -> None:
    """200 epochs of 200 photos: 80,000 hybrid steps, 40,000 of CycleGAN, 40,000 of pix2pix with 200 pairs."""
    assert schedule("hybrid", 20, 200, 200).steps(200) == 80_000
    assert schedule("cyclegan", 20, 200, 200).steps(200) == 40_000
    assert schedule("pix2pix", 200, 200, 200).steps(200) == 40_000


@pytest.mark.parametrize(("balance", "size"), [(False, 20), (True, 200)])
def test_tripathy_sees_pairs_for_a_quarter_of_the_epochs(balance: bool, size: int) -> None:
    """Of 200 epochs, 50 see pairs (repeated to 200 if balanced) and 150 see unpaired samples."""
    plan = schedule("tripathy", 20, 200, 200, balance=balance)
    paired, total = 50 * size, 50 * size + 150 * 200
    assert plan.steps(200) == total
    assert [is_paired(plan.draw(step)) for step in (0, paired - 1, paired, total - 1)] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("total_steps", "batch_size", "expected"),
    [
        (1240, 1, 40),  # 8 epochs: 2 of 20 pairs, 6 of 200 unpaired samples
        (1240, 2, 40),  # 16 epochs with half the steps: 4 of 10 and 12 of 100
        (1800, 1, 60),  # 1,240 steps make 8 epochs and 1,860 make 12, which is nearer
        (100, 1, 20),  # too few for four epochs: one epoch of pairs nevertheless
        (15, 1, 15),
    ],
)
def test_tripathys_phases_fit_the_number_of_steps(total_steps: int, batch_size: int, expected: int) -> None:
    """With 20 pairs and 200 photos, the first `expected` steps are paired and all others unpaired."""
    plan = schedule("tripathy", 20, 200, 200, batch_size, total_steps=total_steps)
    kinds = [is_paired(plan.draw(step)) for step in range(total_steps)]
    assert kinds == [True] * expected + [False] * (total_steps - expected)

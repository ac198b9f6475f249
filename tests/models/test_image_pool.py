from __future__ import annotations

import torch

from models.training.image_pool import ImagePool

DEVICE = torch.device("cpu")


def numbered(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1, 1)


def test_the_pool_fills_first() -> None:
    """The first `size` fakes are returned as they are."""
    pool = ImagePool(5, seed=0)
    assert [pool.query(numbered(i)).item() for i in range(5)] == [0, 1, 2, 3, 4]


def test_half_of_the_answers_are_earlier_fakes() -> None:
    """A full pool returns the new fake with probability ½, else an earlier one, on average 2 × size old."""
    pool = ImagePool(50, seed=0)
    answers = [int(pool.query(numbered(i)).item()) for i in range(20_050)]
    ages = torch.tensor([i - answer for i, answer in enumerate(answers)][50:], dtype=torch.float64)
    old = ages[ages > 0]
    # 20,000 fair coins: standard deviation of the share 0.0035.
    assert abs(len(old) / 20_000 - 0.5) < 0.015
    # A stored fake leaves with probability ½ · 1/50 a query: geometric, mean 100, standard error about 1.
    assert abs(old.mean().item() - 100) < 6


def test_a_stored_fake_is_returned_at_most_once() -> None:
    """A returned fake leaves the pool: every fake is either returned once or still stored."""
    pool = ImagePool(10, seed=1)
    answers = [int(pool.query(numbered(i)).item()) for i in range(10, 2_000)]
    later = answers[10:]
    stored = [int(image) for image in pool.state()["images"].flatten()]
    assert len(set(later)) == len(later)
    assert set(later) | set(stored) == set(range(10, 2_000))


def test_size_zero_passes_everything_through() -> None:
    """Without a pool every fake is returned, detached."""
    fakes = numbered(1, 2, 3).requires_grad_()
    answer = ImagePool(0, seed=0).query(fakes)
    assert torch.equal(answer, fakes)
    assert not answer.requires_grad


def test_a_restored_pool_continues_exactly() -> None:
    """A state taken at any moment, empty or full, gives the same answers afterwards."""
    for queries in (0, 3, 40):
        pool, twin = ImagePool(8, seed=2), ImagePool(8, seed=99)
        for i in range(queries):
            pool.query(numbered(i))
        twin.restore({name: tensor.clone() for name, tensor in pool.state().items()}, DEVICE)
        later = [numbered(1000 + 2 * i, 1001 + 2 * i) for i in range(50)]
        assert all(torch.equal(pool.query(fakes), twin.query(fakes)) for fakes in later)


def test_later_changes_do_not_reach_stored_fakes() -> None:
    """The pool keeps copies: changing a fake or an answer does not change what is stored."""
    pool = ImagePool(1, seed=0)
    fake = numbered(7)
    answer = pool.query(fake)
    fake.zero_()
    answer.zero_()
    assert pool.state()["images"].item() == 7


def test_a_fake_can_come_back_within_its_own_batch() -> None:
    """Fakes of one query are handled one after the other: one query of many equals many queries of one."""
    together, single = ImagePool(3, seed=5), ImagePool(3, seed=5)
    swapped = 0
    for start in range(0, 400, 8):
        fakes = numbered(*range(start, start + 8))
        answers = together.query(fakes)
        assert torch.equal(answers, torch.cat([single.query(fake[None]) for fake in fakes]))
        assert torch.equal(together.state()["images"], single.state()["images"])
        swapped += int((answers != fakes).sum() - (answers < start).sum())
    assert swapped > 20


def test_the_device_only_follows_the_plan() -> None:
    """Plans drawn beforehand and copied into one tensor give the answers of a pool that draws its plans."""
    recorded, usual = ImagePool(4, seed=3), ImagePool(4, seed=3)
    plan = torch.zeros((2, 3), dtype=torch.int64)
    recorded.next_plan = lambda count, device: plan
    for start in range(0, 60, 3):
        fakes = numbered(start, start + 1, start + 2)
        plan.copy_(recorded.plan(3))
        assert torch.equal(recorded.query(fakes), usual.query(fakes))

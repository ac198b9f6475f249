"""A pool of earlier fakes for the discriminators (paper, §3.5; Shrivastava et al. 2017)."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from models.training.transfer import to_device


class ImagePool:
    """Keeps up to `size` fakes. A size of 0 passes every fake through.

    The pool fills first. Once full, each new fake is, with probability ½, swapped for a random stored one,
    which is returned in its place. The host decides (`plan`), the device moves images (`query`), and neither
    waits for the other. `state` and `restore` put the pool into a checkpoint.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.next_plan: Callable[[int, torch.device], Tensor] = self._uploaded_plan
        """Gives `query` its plan. In a recorded step this is a tensor that is filled before each replay."""
        self._images: Tensor | None = None  # `size` stored fakes, then room for the fakes of one query
        self._filled = 0
        self._generator = torch.Generator().manual_seed(seed)

    def query(self, fakes_BCHW: Tensor) -> Tensor:
        """One image for each given fake: the fake itself or an earlier one, detached from the graph."""
        fakes_BCHW = fakes_BCHW.detach()
        if self.size == 0:
            return fakes_BCHW
        images_NCHW = self._with_room_for(fakes_BCHW)
        answers_B, slots_B = self.next_plan(len(fakes_BCHW), fakes_BCHW.device).unbind()
        images_NCHW[self.size : self.size + len(fakes_BCHW)] = fakes_BCHW
        returned_BCHW = images_NCHW[answers_B]
        images_NCHW.index_copy_(0, slots_B, fakes_BCHW)
        return returned_BCHW

    def plan(self, count: int) -> Tensor:
        """Decide for the next `count` fakes: int64 (2, count) on the host.

        The first row says which image is returned for each fake: a stored one, or `size` + i for fake i. The
        second row says which slot each fake goes to; `size` + i, outside the store, for those not kept.
        """
        held: dict[int, int] = {}  # slot → index of the new fake that it holds now
        answers = []
        for fake in range(count):
            answer = self.size + fake
            if self._filled < self.size:
                held[self._filled] = fake
                self._filled += 1
            elif torch.rand((), generator=self._generator) < 0.5:
                slot = int(torch.randint(self.size, (), generator=self._generator))
                answer = self.size + held[slot] if slot in held else slot
                held[slot] = fake
            answers.append(answer)
        slots = {fake: slot for slot, fake in held.items()}
        return torch.tensor([answers, [slots.get(fake, self.size + fake) for fake in range(count)]])

    def state(self) -> dict[str, Tensor]:
        """All state that the pool's next answers depend on."""
        images = torch.zeros(0) if self._images is None else self._images[: self.size]
        return {
            "images": images,
            "filled": torch.tensor(self._filled),
            "generator": self._generator.get_state(),
        }

    def restore(self, state: Mapping[str, Tensor], device: torch.device) -> None:
        """Continue exactly where `state` was taken. Images already on the device are overwritten in place."""
        images = state["images"]
        if self._images is None:
            self._images = images.to(device, copy=True) if images.numel() else None
        elif images.numel():
            self._images[: self.size] = images.to(device)
        else:
            self._images.zero_()
        self._filled = int(state["filled"])
        self._generator.set_state(state["generator"])

    def _with_room_for(self, fakes_BCHW: Tensor) -> Tensor:
        rows = self.size + len(fakes_BCHW)
        if self._images is None or len(self._images) < rows:
            images = fakes_BCHW.new_zeros((rows, *fakes_BCHW.shape[1:]))
            if self._images is not None:
                images[: self.size] = self._images[: self.size]
            self._images = images
        return self._images

    def _uploaded_plan(self, count: int, device: torch.device) -> Tensor:
        return to_device(self.plan(count), device)

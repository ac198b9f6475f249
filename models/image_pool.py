"""A pool of earlier fakes for the discriminators (paper, §3.5; Shrivastava et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class ImagePool:
    """Keeps up to `size` fakes. A size of 0 passes every fake through.

    The pool fills first. Once full, each new fake is, with probability ½, swapped for a random stored one,
    which is returned in its place. All state is in tensors, so a checkpoint can hold it.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._images: Tensor | None = None
        self._filled = 0
        self._generator = torch.Generator().manual_seed(seed)

    def query(self, fakes_BCHW: Tensor) -> Tensor:
        """As many images as were given, each the new fake or an earlier one; detached from the graph."""
        returned_BCHW = fakes_BCHW.detach().clone()
        if self.size == 0:
            return returned_BCHW
        if self._images is None:
            self._images = returned_BCHW.new_zeros((self.size, *returned_BCHW.shape[1:]))
        for fake_CHW in returned_BCHW:
            if self._filled < self.size:
                self._images[self._filled] = fake_CHW
                self._filled += 1
            elif torch.rand((), generator=self._generator) < 0.5:
                index = int(torch.randint(self.size, (), generator=self._generator))
                stored_CHW = self._images[index].clone()
                self._images[index] = fake_CHW
                fake_CHW.copy_(stored_CHW)
        return returned_BCHW

    def state(self) -> dict[str, Tensor]:
        """Everything the pool's next answers depend on."""
        images = torch.zeros(0) if self._images is None else self._images
        return {
            "images": images,
            "filled": torch.tensor(self._filled),
            "generator": self._generator.get_state(),
        }

    def restore(self, state: Mapping[str, Tensor], device: torch.device) -> None:
        """Continue exactly where `state` was taken."""
        self._images = state["images"].to(device, copy=True) if state["images"].numel() else None
        self._filled = int(state["filled"])
        self._generator.set_state(state["generator"])

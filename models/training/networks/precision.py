"""Keeps parts of a network in float32 while its convolutions run in bfloat16."""

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """`x` in float32, or unchanged if its type is more precise."""
    return x.to(torch.promote_types(x.dtype, torch.float32))

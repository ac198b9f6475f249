"""Instance normalisation whose gradient stays finite on almost constant images."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.networks.precision import at_least_float32

EPS = 1e-5
FLAT = 1e-8  # variance; ordinary low-contrast fakes, such as the first ones, stay well above it


class InstanceNorm(nn.Module):
    """(x − mean) / √(var + ε) for every channel of every sample; no parameters, no running statistics.

    The values are those of `torch.nn.functional.instance_norm`, computed in at least float32. The gradient
    differs in one case: a channel whose variance is below 1e-8 passes none. Such channels come from images in
    [−1, 1] that vary by less than a byte's rounding. Without this rule each norm multiplies their gradient by
    up to 316, and one flat image ruins the training (CycleGAN, issue 20).
    """

    def forward(self, x_BCHW: Tensor) -> Tensor:
        x_BCHW = at_least_float32(x_BCHW)
        if not (torch.is_grad_enabled() and x_BCHW.requires_grad):
            return functional.instance_norm(x_BCHW, eps=EPS)
        if torch.compiler.is_compiling():
            return _compilable(x_BCHW)
        batch, channels, height, width = x_BCHW.shape
        # instance_norm calls batch normalisation with B·C channels. Called directly, this also returns 1/σ.
        y_1NHW, _, inverse_std_N = torch.native_batch_norm(
            x_BCHW.reshape(1, batch * channels, height, width), None, None, None, None, True, 0.0, EPS
        )
        y_BCHW = y_1NHW.view_as(x_BCHW)
        alive_BC11 = (inverse_std_N < (FLAT + EPS) ** -0.5).view(batch, channels, 1, 1).to(y_BCHW.dtype)
        y_BCHW.register_hook(lambda gradient: gradient * alive_BC11)  # type: ignore[no-untyped-call]
        return y_BCHW


def _compilable(x_BCHW: Tensor) -> Tensor:
    """The same without a hook, which a compiler cannot trace. Only compiled is this form fast."""
    variance_BC11, mean_BC11 = torch.var_mean(x_BCHW, dim=(2, 3), correction=0, keepdim=True)
    y_BCHW = (x_BCHW - mean_BC11) * torch.rsqrt(variance_BC11 + EPS)
    return torch.where(variance_BC11 > FLAT, y_BCHW, y_BCHW.detach())

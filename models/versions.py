"""With what numbers are computed."""

import platform

import numpy as np
import torch

from models.faiss_shim import faiss


def computed_with() -> dict[str, str]:
    """What rounding may depend on: the versions of the libraries by their names, and the `platform`, such as
    "Linux x86_64 (AVX2)".
    """
    return {
        "numpy": np.__version__,
        "faiss": faiss.__version__,
        "torch": str(torch.__version__),
        "platform": f"{platform.system()} {platform.machine()} ({torch.backends.cpu.get_cpu_capability()})",
    }

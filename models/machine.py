"""The machine and the libraries that results were computed with."""

import os
import platform
from pathlib import Path

import numpy as np
import torch

CPUINFO = Path("/proc/cpuinfo")


def describe_machine(device: torch.device) -> dict[str, str | int | None]:
    """Processor (None where unknown), cores, device, threads, versions of torch and Python."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def computed_with() -> dict[str, str]:
    """What rounding may depend on: the versions of the libraries by their names, and the `platform`, such as
    "Linux x86_64 (AVX2)".
    """
    from models.faiss_shim import faiss  # here, as a machine without FAISS can be described too

    return {
        "numpy": np.__version__,
        "faiss": faiss.__version__,
        "torch": str(torch.__version__),
        "platform": f"{platform.system()} {platform.machine()} ({torch.backends.cpu.get_cpu_capability()})",
    }


def _processor() -> str | None:
    if CPUINFO.exists():
        for line in CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or None

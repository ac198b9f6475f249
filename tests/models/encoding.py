"""Encoders for tests: EfficientNet-Lite0 with its own weights, ResNet50 with random ones."""

from pathlib import Path

import pytest
import torch

from models.encoders import Encoder, load_encoder
from models.encoders.networks import ARCHITECTURES
from models.encoders.weights import weights_file


def weights_for_tests(name: str, temporary: pytest.TempPathFactory) -> Path:
    """A weights file that needs no download; random ones are the same in every run."""
    if name == "efficientnet_lite0":
        return weights_file(name)[0]
    path = temporary.getbasetemp() / f"{name}.pth"
    if not path.exists():
        generator_state = torch.get_rng_state()
        torch.manual_seed(0)
        torch.save(ARCHITECTURES[name].classifier().state_dict(), path)
        torch.set_rng_state(generator_state)
    return path


def encoder_for_tests(name: str, temporary: pytest.TempPathFactory, device: str = "cpu") -> Encoder:
    """The encoder; its network is exported once for all tests."""
    cache = temporary.getbasetemp() / "encoders"
    return load_encoder(name, device=device, weights=weights_for_tests(name, temporary), cache_dir=cache)

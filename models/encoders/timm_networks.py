"""Encoders `timm:NAME`: networks of the optional package timm, without their classification layer."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from models.encoders.networks import Embedder
from models.files import atomic_write
from models.pretrained import WeightsUnavailable, answers
from models.torchvision_shim import torchvision

__all__ = ["hub_weights", "timm_classifier", "timm_embedder", "timm_normalisation"]

STRIDES = (4, 8, 16, 32)
"""The strides of the feature maps that patch features are made of."""

assert torchvision  # timm imports it too, and must find the one that the shim has repaired


def timm_embedder(name: str, weights: Path) -> Embedder:
    """The network timm:`name` with `weights`, with the input size and normalisation it was trained with.

    Raises as `timm_classifier` does.
    """
    network = timm_classifier(name, weights)
    network.reset_classifier(0)
    size, normalisation = _config(network)["input_size"][1:], timm_normalisation(network)
    channels = [level["num_chs"] for level in _levels(network)]
    if len(channels) < len(STRIDES):
        return Embedder(network, *normalisation, size).eval()
    return Embedder(network, *normalisation, size, _run, channels).eval()


def timm_classifier(name: str, weights: Path | None) -> Any:
    """The classifier timm:`name` with `weights`, its state dict, saved as .safetensors or by torch.save;
    untrained without.

    Raises WeightsUnavailable if timm is not installed or has no such network, and whatever loading a wrong
    file raises.
    """
    timm = _timm(name)
    network = timm.create_model(name)
    if weights is not None:
        network.load_state_dict(timm.models.load_state_dict(weights, use_ema=False))
    return network


def timm_normalisation(network: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation per channel, in grey levels 0 to 255, of the photos that `network` takes."""
    config = _config(network)
    mean, std = (tuple(255.0 * value for value in config[key]) for key in ("mean", "std"))
    return mean, std


def _config(network: Any) -> Any:
    timm: Any = importlib.import_module("timm")
    return timm.data.resolve_model_data_config(network)


def _levels(network: Any) -> list[dict[str, Any]]:
    """What timm says of the feature maps of `STRIDES`, as far as the network has them."""
    levels = getattr(network, "feature_info", []) if hasattr(network, "forward_intermediates") else []
    return [level for stride in STRIDES for level in levels if level["reduction"] == stride]


def _run(network: Any, photos: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
    places = [network.feature_info.index(level) for level in _levels(network)]
    top, maps = network.forward_intermediates(photos, indices=places)
    return network.forward_head(top), maps


def hub_weights(name: str, cache_dir: Path) -> Path:
    """The file in `cache_dir` with timm's trained weights of timm:`name`, downloaded when it is missing.

    Raises WeightsUnavailable.
    """
    target = cache_dir / f"timm-{name}.safetensors"
    if not target.is_file():
        timm = _timm(name)
        try:
            with _offline_if_silent(timm.get_pretrained_cfg(name)):
                network = timm.create_model(name, pretrained=True)
        except Exception as error:  # the hub's client raises many classes for network errors
            raise WeightsUnavailable(
                f"The weights of timm:{name} could not be downloaded ({error}). Save its state dict where "
                f"you can, and put it into FEWPAIRS_ENCODERS_DIR as {name}.safetensors or {name}.pth."
            ) from error
        from safetensors.torch import save_file  # imported here, because other encoders do not need it

        with atomic_write(target) as temporary:
            save_file(network.state_dict(), temporary)
    return target


@contextmanager
def _offline_if_silent(config: Any) -> Iterator[None]:
    """Puts the hub's client into its offline mode if the hub does not answer.

    Otherwise the client would try for most of a minute; offline, it still finds weights in its own cache.
    A few networks are not in the hub but at a URL, and have no such mode: then this raises ConnectionError.
    """
    from huggingface_hub import constants

    if config and not config.hf_hub_id and not answers(config.url):
        raise ConnectionError(f"{config.url} does not answer")
    was_offline = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = was_offline or not answers(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = was_offline


def _timm(name: str) -> Any:
    """The package timm. Raises WeightsUnavailable if it is missing or has no network `name`."""
    try:
        import timm
    except ImportError as error:
        raise WeightsUnavailable(
            f"The encoder timm:{name} needs a package that is not installed: run `pip install "
            "'fewpairs[timm]'` on every worker."
        ) from error
    if not timm.is_model(name):
        similar = ", ".join(timm.list_models(f"{name[:6]}*")[:5])
        raise WeightsUnavailable(
            f"timm {timm.__version__} has no network {name!r}; similar names: {similar or 'none'}."
        )
    return timm

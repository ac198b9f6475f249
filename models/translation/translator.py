"""Photos → label maps, and label maps → photos, with a trained or an imported model."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Resampling
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models.catalog import DIRECTIONS, LABELS_TO_PHOTOS, METHODS, PHOTOS_TO_LABELS
from models.images.palette import DOUBTFUL_RATIO, ClassTable
from models.images.photos import resized
from models.images.tensors import scaled, to_tensor, unscaled
from models.translation.artifacts import ModelSpec, load_model, read_spec
from models.translation.onnx_network import OnnxNetwork

_NETWORKS = {PHOTOS_TO_LABELS: "photo_to_label", LABELS_TO_PHOTOS: "label_to_photo"}


@dataclass(frozen=True)
class Translation:
    """A translated photo.

    `rgb` (H, W, 3) is what the network drew; if it learns classes, the label map in class colours.
    `label_map` (H, W) holds the predicted class indices, and `doubtful` (H, W) is true where a second class
    was almost as good (see DOUBTFUL_RATIO). These two are None for an `rgb` pool.
    """

    rgb: NDArray[np.uint8]
    label_map: NDArray[np.uint8] | None = None
    doubtful: NDArray[np.bool_] | None = None


class Translator:
    """A network with the steps before and after it: resizing, scaling, and decoding to classes.

    `learns_classes`: the network gives class logits (B, K, H, W) and not an image. `resampling` resizes an
    image to the network's size.
    """

    def __init__(
        self,
        network: nn.Module,
        image_size: int,
        class_table: ClassTable | None,
        *,
        learns_classes: bool = False,
        direction: str = PHOTOS_TO_LABELS,
        resampling: Resampling = Resampling.BICUBIC,
    ) -> None:
        self._network = network
        self._image_size = image_size
        self._resampling = resampling
        self.class_table = class_table
        self.learns_classes = learns_classes
        self.direction = direction

    @classmethod
    def load(cls, model_dir: Path, device: str = "auto", direction: str = PHOTOS_TO_LABELS) -> Self:
        """The translator of a model folder, which a training or an import wrote. Imported models use the CPU.

        FileNotFoundError when a file is missing. ValueError when the model does not translate in that
        direction or cannot be used.
        """
        if direction not in DIRECTIONS:
            raise ValueError(f"unknown direction {direction!r}; there are {', '.join(DIRECTIONS)}")
        spec = read_spec(model_dir)
        if isinstance(spec, ModelSpec):
            return cls._trained(model_dir, spec, choose_device(device), direction)
        if direction == LABELS_TO_PHOTOS:
            raise ValueError("an imported model translates photos to labels only")
        onnx = OnnxNetwork(model_dir / spec.onnx, spec.class_table)
        return cls(onnx, onnx.image_size, spec.class_table, learns_classes=onnx.learns_classes)

    @classmethod
    def _trained(cls, model_dir: Path, spec: ModelSpec, device: torch.device, direction: str) -> Self:
        training, name = spec.training, _NETWORKS[direction]
        draws_photos = direction == LABELS_TO_PHOTOS
        if draws_photos and not (model_dir / f"{name}.safetensors").exists():
            raise ValueError(f"a model trained with {training.method} translates photos to labels only")
        network, _ = load_model(model_dir, name)
        return cls(
            network.to(device),
            training.image_size,
            spec.class_table,
            learns_classes=METHODS[training.method].learns_classes and not draws_photos,
            direction=direction,
            resampling=Resampling[training.label_resize.upper()] if draws_photos else Resampling.BICUBIC,
        )

    def translate(self, photo: NDArray[np.uint8], size: tuple[int, int] | None = None) -> Translation:
        """Predict the label map of an RGB photo (H, W, 3).

        The network's output is resized bilinearly to `size` (height, width; by default the photo's). Then
        each pixel takes the class with the nearest colour, as in the paper's evaluation (§4.1.2), or with the
        largest logit. ValueError when the translator draws photos: see `draw`.
        """
        if self.direction == LABELS_TO_PHOTOS:
            raise ValueError("this translator makes photos, so there is no label map to predict: use `draw`")
        height, width = size or photo.shape[:2]
        output = self._output(photo)
        if self.class_table is None:
            return Translation(_image(output, height, width))
        if self.learns_classes:
            label_map, doubtful = decode_logits(output, height, width)
            return Translation(self.class_table.encode(label_map), label_map, doubtful)
        rgb = _image(output, height, width)
        return Translation(rgb, *self.class_table.decode_with_doubt(rgb))

    def draw(self, image: NDArray[np.uint8], size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Only the RGB translation (H, W, 3), resized bilinearly to `size` (height, width; or the image's).

        `image` (H, W, 3) is the photo; for labels → photos it is the label map in its class colours.
        """
        if self.learns_classes:
            return self.translate(image, size).rgb
        height, width = size or image.shape[:2]
        return _image(self._output(image), height, width)

    def _output(self, image: NDArray[np.uint8]) -> Tensor:
        """The network's output for an image: (3, H, W) in [−1, 1], or logits (K, H, W)."""
        side = self._image_size
        x_1CHW = scaled(to_tensor(resized(image, side, side, self._resampling)))[None]
        device = next((weight.device for weight in self._network.parameters()), torch.device("cpu"))
        training = self._network.training
        self._network.eval()
        with torch.inference_mode():
            y_1CHW: Tensor = self._network(x_1CHW.to(device))
        self._network.train(training)
        return y_1CHW[0]


def decode_logits(logits: Tensor, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Class logits (K, h, w), resized bilinearly → each pixel's likeliest class, and if it is doubtful."""
    best = torch.full((height, width), -math.inf, device=logits.device)
    second, indices = best.clone(), torch.zeros_like(best, dtype=torch.uint8)
    for index, small in enumerate(logits.float()):  # one by one: all logits of a large photo take gigabytes
        logit = interpolate(small[None, None], (height, width), mode="bilinear", antialias=True)[0, 0]
        indices[logit > best] = index
        torch.maximum(second, torch.minimum(best, logit), out=second)
        torch.maximum(best, logit, out=best)
    doubtful = second - best > math.log(DOUBTFUL_RATIO)  # a difference of logits is a ratio of probabilities
    return indices.cpu().numpy(), doubtful.cpu().numpy()


def choose_device(name: str) -> torch.device:
    """A torch device by name; "auto" is CUDA where there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _image(output: Tensor, height: int, width: int) -> NDArray[np.uint8]:
    drawn = unscaled(output).permute(1, 2, 0).cpu().numpy()
    return resized(drawn, height, width, Resampling.BILINEAR)

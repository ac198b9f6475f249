"""Photos → label maps, and label maps → photos, with a trained or an imported model."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Resampling
from torch import Tensor, nn

from models.catalog import DIRECTIONS, LABELS_TO_PHOTOS, METHODS, PHOTOS_TO_LABELS, TEST_TIME, TrainingSpec
from models.images.aspect import working_size
from models.images.palette import ClassTable
from models.images.photos import resized
from models.images.tensors import scaled_target, to_tensor, unscaled
from models.translation.artifacts import ModelSpec, load_model, read_spec
from models.translation.decoding import decode_logits
from models.translation.onnx_network import OnnxNetwork
from models.translation.tiles import predict
from models.translation.views import mean_logits

_NETWORKS = {PHOTOS_TO_LABELS: "photo_to_label", LABELS_TO_PHOTOS: "label_to_photo"}


@dataclass(frozen=True)
class Translation:
    """A translated photo.

    `rgb` (H, W, 3) is what the network drew; if it learns classes, the label map in class colours.
    `label_map` (H, W) holds the predicted class indices, and `doubtful` (H, W) is true where a second class
    was almost as good (see DOUBTFUL_RATIO). These two are None for an `rgb` pool. `confidence` (H, W) is the
    probability of the predicted class, 0 to 1; None if the network draws colours and not probabilities.
    """

    rgb: NDArray[np.uint8]
    label_map: NDArray[np.uint8] | None = None
    doubtful: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float32] | None = None


class Translator:
    """A network with the steps before and after it: resizing, scaling, and decoding to classes.

    `learns_classes`: the network gives class logits (B, K, h, w) and not an image. `keeps_aspect`: photos of
    any size go to it at their `working_size` for `image_size`; otherwise as squares of that side.
    `resampling` resizes an image to the network's size.
    """

    def __init__(
        self,
        network: nn.Module,
        image_size: int,
        class_table: ClassTable | None,
        *,
        learns_classes: bool = False,
        keeps_aspect: bool = False,
        direction: str = PHOTOS_TO_LABELS,
        resampling: Resampling = Resampling.BICUBIC,
    ) -> None:
        self._network = network
        self._image_size = image_size
        self._resampling = resampling
        self.class_table = class_table
        self.learns_classes = learns_classes
        self.keeps_aspect = keeps_aspect
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
        return cls(
            onnx,
            onnx.image_size,
            spec.class_table,
            learns_classes=onnx.learns_classes,
            keeps_aspect=onnx.keeps_aspect,
        )

    @classmethod
    def _trained(cls, model_dir: Path, spec: ModelSpec, device: torch.device, direction: str) -> Self:
        training, name = spec.training, _NETWORKS[direction]
        if direction == LABELS_TO_PHOTOS and not (model_dir / f"{name}.safetensors").exists():
            raise ValueError(f"a model trained with {training.method} translates photos to labels only")
        network, _ = load_model(model_dir, name)
        return cls.of(network.to(device), training, spec.class_table, direction)

    @classmethod
    def of(
        cls,
        network: nn.Module,
        training: TrainingSpec,
        class_table: ClassTable | None,
        direction: str = PHOTOS_TO_LABELS,
    ) -> Self:
        """The translator of a network that was trained as `training` says."""
        facts, draws_photos = METHODS[training.method], direction == LABELS_TO_PHOTOS
        return cls(
            network,
            training.load_size if facts.keeps_aspect else training.image_size,
            class_table,
            learns_classes=training.learns_classes(class_table is not None) and not draws_photos,
            keeps_aspect=facts.keeps_aspect,
            direction=direction,
            resampling=Resampling[training.label_resize.upper()] if draws_photos else Resampling.BICUBIC,
        )

    def translate(
        self, photo: NDArray[np.uint8], size: tuple[int, int] | None = None, test_time: str = "none"
    ) -> Translation:
        """Predict the label map of an RGB photo (H, W, 3).

        The network's output is resized bilinearly to `size` (height, width; by default the photo's). Then
        each pixel takes the class with the nearest colour, as in the paper's evaluation (§4.1.2), or with the
        largest logit. `test_time` is one of `models.catalog.TEST_TIME`. ValueError when the model cannot do
        what it says, or makes photos: see `draw`.
        """
        if self.direction == LABELS_TO_PHOTOS:
            raise ValueError("this translator makes photos, so there is no label map to predict: use `draw`")
        self.check(test_time)
        height, width = size or photo.shape[:2]
        output = self._output(photo, test_time)
        if self.class_table is None:
            return Translation(_image(output, height, width))
        if self.learns_classes:
            found = decode_logits(output, height, width)
            rgb = self.class_table.encode(found.label_map)
            return Translation(rgb, found.label_map, found.doubtful, found.confidence)
        rgb = _image(output, height, width)
        return Translation(rgb, *self.class_table.decode_with_doubt(rgb))

    def draw(self, image: NDArray[np.uint8], size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Only the RGB translation (H, W, 3), resized bilinearly to `size` (height, width; or the image's).

        `image` is the photo (H, W, 3), or for labels → photos what `models.images.photos.read_target` gives.
        """
        if self.learns_classes:
            return self.translate(image, size).rgb
        height, width = size or image.shape[:2]
        return _image(self._output(image), height, width)

    @property
    def calibrated(self) -> bool:
        """Whether `confidence` is the share of pixels that will be right (see `models.training.calibration`).
        Networks that keep the aspect are calibrated when they are trained.
        """
        return self.learns_classes and self.keeps_aspect

    def check(self, test_time: str) -> None:
        """Raise ValueError, which says what to do, if the model cannot average as `test_time` says."""
        if test_time not in TEST_TIME:
            raise ValueError(f"unknown test_time {test_time!r}; there are {', '.join(TEST_TIME)}")
        if test_time != "none" and not self.learns_classes:
            raise ValueError(
                f"test_time={test_time} averages class probabilities, and this model draws images: "
                "use test_time=none"
            )
        if test_time == "scales" and not self.keeps_aspect:
            raise ValueError(
                f"test_time=scales needs a model that takes photos of any size, and this one takes "
                f"{self._image_size}×{self._image_size} pixels: use test_time=flip"
            )

    def _output(self, image: NDArray[np.uint8], test_time: str = "none") -> Tensor:
        """The network's output for an image: (3, h, w) in [−1, 1], or logits (K, h, w)."""
        device = next((weight.device for weight in self._network.parameters()), torch.device("cpu"))

        def input_at(scale: float) -> Tensor:
            small = resized(image, *self._input_size(image, scale), self._resampling)
            return scaled_target(to_tensor(small)[None])[0].to(device)

        network = partial(predict, self._network) if self.keeps_aspect else self._network
        training = self._network.training
        self._network.eval()
        with torch.inference_mode():
            if test_time == "none":
                output = network(input_at(1.0))
            else:
                output = mean_logits(network, input_at, test_time)
        self._network.train(training)
        return output[0]

    def _input_size(self, image: NDArray[np.uint8], scale: float) -> tuple[int, int]:
        """Height and width at which an image goes to the network."""
        if not self.keeps_aspect:
            return self._image_size, self._image_size
        return working_size(image.shape[0], image.shape[1], round(self._image_size * scale))


def choose_device(name: str) -> torch.device:
    """A torch device by name; "auto" is CUDA where there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _image(output: Tensor, height: int, width: int) -> NDArray[np.uint8]:
    drawn = unscaled(output).permute(1, 2, 0).cpu().numpy()
    return resized(drawn, height, width, Resampling.BILINEAR)

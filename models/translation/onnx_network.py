"""A translator in an ONNX file, which was trained elsewhere."""

from pathlib import Path

import torch
from torch import Tensor, nn

from models.catalog import LARGEST_SIDE
from models.images.palette import ClassTable
from models.translation.onnx_session import ConfinedSession
from models.translation.tiles import MULTIPLE

INPUT, TRANSLATION = "photo", "translation"
LOAD_SIZE = "load_size"
"""The entry in a file's metadata that says at which size photos go to a network that keeps their aspect."""


class OnnxNetwork(nn.Module):
    """Photos → label maps by onnxruntime on the CPU, in a confined process; `export_onnx` writes such files.

    The file has one input `photo`, float32 (B, 3, S, S), RGB in [−1, 1], and one float32 output: an RGB
    image in [−1, 1] (B, 3, H, W) when its name is `translation`, else class logits (B, K, H, W). If height
    and width of `photo` are free, it takes all multiples of 32, and the file's metadata names `load_size`.

    The constructor and every call may raise ValueError, which says what is wrong and what is expected.
    """

    image_size: int
    """S, the side in pixels of the photos it takes; or `load_size`, see `working_size`."""
    keeps_aspect: bool
    """Whether height and width of the photos are free."""
    learns_classes: bool
    """Whether its output is class logits."""

    def __init__(self, path: Path, class_table: ClassTable | None) -> None:
        super().__init__()
        self._file = path.name
        self._classes = len(class_table.names) if class_table else None
        try:
            self._session = ConfinedSession(path, torch.get_num_threads())
        except ValueError as error:
            raise self._unusable(str(error)) from error
        self.image_size, self.keeps_aspect = self._checked_input()
        self.learns_classes, self._channels = self._checked_output()

    def forward(self, photos: Tensor) -> Tensor:
        """Photos (B, 3, S, S), or of any size, → translations (B, 3, h, w) or class logits (B, K, h, w)."""
        try:
            output = self._session.run(INPUT, photos.cpu().numpy())
        except ValueError as error:
            raise self._unusable(str(error)) from error
        if output.ndim != 4 or output.shape[:2] != (len(photos), self._channels):
            raise self._unusable(f"its output has shape {output.shape}")
        return torch.from_numpy(output)

    def _checked_input(self) -> tuple[int, bool]:
        """The size of the photos, and whether their aspect is kept."""
        inputs = self._session.description["inputs"]
        names = [value["name"] for value in inputs]
        if names != [INPUT]:
            raise self._unusable(f"its inputs are {', '.join(names) or 'missing'}")
        kind, shape = inputs[0]["type"], inputs[0]["shape"]
        batch, channels, height, width = shape if len(shape) == 4 else (0, 0, 0, 0)
        one_by_one = batch == 1 or not isinstance(batch, int)  # a name stands for any number
        if kind == "tensor(float)" and channels == 3 and one_by_one:
            if isinstance(height, int) and height == width:
                return height, False
            if not isinstance(height, int) and not isinstance(width, int):
                return self._load_size(), True
        raise self._unusable(f"its input is {kind} of shape {shape}")

    def _load_size(self) -> int:
        size = self._session.description["metadata"].get(LOAD_SIZE, "")
        if not size.isascii() or not size.isdigit() or not MULTIPLE <= int(size) <= LARGEST_SIDE:
            raise self._unusable(
                f"its height and width are free, and its metadata has no `{LOAD_SIZE}` from {MULTIPLE} to "
                f"{LARGEST_SIDE}"
            )
        return int(size)

    def _checked_output(self) -> tuple[bool, int]:
        outputs = self._session.description["outputs"]
        if len(outputs) != 1:
            raise self._unusable(f"its outputs are {', '.join(value['name'] for value in outputs)}")
        name, kind, shape = outputs[0]["name"], outputs[0]["type"], outputs[0]["shape"]
        learns_classes = name != TRANSLATION
        channels = self._classes if learns_classes else 3
        declared = shape[1] if len(shape) == 4 else "unknown"
        if (
            channels is None
            or kind != "tensor(float)"
            or (isinstance(declared, int) and declared != channels)
        ):
            raise self._unusable(f"its output {name} is {kind} of shape {shape}")
        return learns_classes, channels

    def _unusable(self, reason: str) -> ValueError:
        output = f"`{TRANSLATION}`, RGB in [−1, 1] (B, 3, H, W)"
        if self._classes is not None:
            output += f", or with any other name, the logits of the {self._classes} classes"
            output += f" (B, {self._classes}, H, W)"
        return ValueError(
            f"{self._file} cannot be used: {reason}. Expected: an ONNX file with one input `{INPUT}`,"
            f" float32 (B, 3, S, S) with a fixed S, or with a free height and width and `{LOAD_SIZE}` in the"
            f" file's metadata, RGB in [−1, 1], and one float32 output: {output}"
        )

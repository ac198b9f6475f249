"""A translator in an ONNX file, which was trained elsewhere."""

from pathlib import Path
from threading import Timer
from typing import Any

import torch
from torch import Tensor, nn

from models.catalog import LARGEST_SIDE
from models.images.palette import ClassTable
from models.translation.tiles import MULTIPLE

INPUT, TRANSLATION = "photo", "translation"
LOAD_SIZE = "load_size"
"""The entry in a file's metadata that says at which size photos go to a network that keeps their aspect."""
LONGEST_RUN_S = 300.0
"""Seconds one batch may take: a graph may loop for ever."""


class OnnxNetwork(nn.Module):
    """Photos → label maps by onnxruntime on the CPU; `export_onnx` writes such files.

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
        import onnxruntime  # only imported models need it

        super().__init__()
        self._file = path.name
        self._classes = len(class_table.names) if class_table else None
        self._check_self_contained(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base class
            raise self._unusable(f"onnxruntime cannot load it ({error})") from error
        self.image_size, self.keeps_aspect = self._checked_input()
        self.learns_classes, self._channels = self._checked_output()

    def forward(self, photos: Tensor) -> Tensor:
        """Photos (B, 3, S, S), or of any size, → translations (B, 3, h, w) or class logits (B, K, h, w)."""
        from onnxruntime import RunOptions

        options = RunOptions()
        alarm = Timer(LONGEST_RUN_S, setattr, (options, "terminate", True))
        alarm.start()
        try:
            (output,) = self._session.run(None, {INPUT: photos.cpu().numpy()}, options)
        except Exception as error:
            if options.terminate:
                raise self._unusable(f"one batch took more than {LONGEST_RUN_S:g} seconds") from error
            raise self._unusable(f"onnxruntime cannot run it ({error})") from error
        finally:
            alarm.cancel()
        if output.ndim != 4 or output.shape[:2] != (len(photos), self._channels):
            raise self._unusable(f"its output has shape {output.shape}")
        return torch.from_numpy(output)

    def _check_self_contained(self, path: Path) -> None:
        """Raise ValueError if tensors are kept in other files: onnxruntime would open any file they name."""
        import onnx

        content = path.read_bytes()
        try:
            model = onnx.load_model_from_string(content)
        except Exception as error:  # protobuf's, which is no dependency of this project
            raise self._unusable(f"it is no ONNX file ({error})") from error
        if names_a_file(model):
            raise self._unusable("it refers to other files: export it self-contained")

    def _checked_input(self) -> tuple[int, bool]:
        """The size of the photos, and whether their aspect is kept."""
        inputs = self._session.get_inputs()
        if [value.name for value in inputs] != [INPUT]:
            raise self._unusable(f"its inputs are {', '.join(value.name for value in inputs) or 'missing'}")
        kind, shape = inputs[0].type, inputs[0].shape
        batch, channels, height, width = shape if len(shape) == 4 else (0, 0, 0, 0)
        one_by_one = batch == 1 or not isinstance(batch, int)  # a name stands for any number
        if kind == "tensor(float)" and channels == 3 and one_by_one:
            if isinstance(height, int) and height == width:
                return height, False
            if not isinstance(height, int) and not isinstance(width, int):
                return self._load_size(), True
        raise self._unusable(f"its input is {kind} of shape {shape}")

    def _load_size(self) -> int:
        metadata = self._session.get_modelmeta().custom_metadata_map
        size = metadata.get(LOAD_SIZE, "")
        if not size.isascii() or not size.isdigit() or not MULTIPLE <= int(size) <= LARGEST_SIDE:
            raise self._unusable(
                f"its height and width are free, and its metadata has no `{LOAD_SIZE}` from {MULTIPLE} to "
                f"{LARGEST_SIDE}"
            )
        return int(size)

    def _checked_output(self) -> tuple[bool, int]:
        outputs = self._session.get_outputs()
        if len(outputs) != 1:
            raise self._unusable(f"its outputs are {', '.join(value.name for value in outputs)}")
        name, kind, shape = outputs[0].name, outputs[0].type, outputs[0].shape
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


def names_a_file(message: Any) -> bool:
    """Whether any tensor in a protobuf message (graph, function or attribute) is kept in another file."""
    from onnx import TensorProto

    if isinstance(message, TensorProto):  # its data may be large, and holds no other tensor
        return message.data_location == TensorProto.EXTERNAL or len(message.external_data) > 0
    values = [value for field, value in message.ListFields() if field.message_type]
    return any(
        names_a_file(part)
        for value in values
        for part in ([value] if hasattr(value, "ListFields") else value)  # repeated, or not
    )

"""Finds tensors that an ONNX file keeps in other files."""

from typing import Any


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

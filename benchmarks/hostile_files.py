"""Files that once stopped the service, or would have: each is small and asks for much."""

import io
import struct
import tarfile
import zipfile

from onnx import NodeProto, TensorProto, helper
from PIL import Image

SIDE = 16
"""Of the photos that the networks take."""


def photo(seed: int = 0, side: int = 64) -> bytes:
    """A small photo without a surprise."""
    content = io.BytesIO()
    Image.effect_noise((side, side), 40 + seed).convert("RGB").save(content, "JPEG")
    return content.getvalue()


def progressive_jpeg(side: int, scans: int) -> bytes:
    """A grey JPEG whose last scan is repeated: each costs a pass over all pixels and a few hundred bytes."""
    content = io.BytesIO()
    Image.new("L", (side, side), 128).save(content, "JPEG", progressive=True, quality=50)
    jpeg = content.getvalue()
    last, end = jpeg.rindex(b"\xff\xda"), len(jpeg) - 2
    return jpeg[:end] + jpeg[last:end] * scans + jpeg[end:]


def png_bomb(side: int) -> bytes:
    content = io.BytesIO()
    Image.new("L", (side, side)).save(content, "PNG")
    return content.getvalue()


def overlapping_zip(entries: int, side: int) -> bytes:
    """A zip with so many directory entries for one and the same PNG."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("0000.png", png_bomb(side))
    once = content.getvalue()
    end = once.rindex(b"PK\x05\x06")
    start = once.rindex(b"PK\x01\x02", 0, end)
    listed = b"".join(once[start:end].replace(b"0000.png", b"%04d.png" % n) for n in range(entries))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, entries, entries, len(listed), start, 0)
    return once[:start] + listed + tail


def greedy_zip() -> bytes:
    """A zip whose second photo wants a dictionary of 4 GiB to be unpacked."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("first.jpg", photo())
        archive.writestr("greedy.jpg", photo(1))
    greedy = bytearray(content.getvalue())
    properties = greedy.rindex(b"\x09\x04\x05\x00", 0, greedy.index(b"PK\x01\x02"))
    greedy[properties + 5 : properties + 9] = b"\xff" * 4
    return bytes(greedy)


def negative_tar(zeros: int) -> bytes:
    """A tar with a file of the size −1, and zeros behind it."""
    header = bytearray(_tar_entry("a.jpg", b"", tarfile.REGTYPE))
    header[124:136] = b"\xff" * 12
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(zeros)


def digits_tar(digits: int) -> bytes:
    """A tar whose header of long names is a number of so many digits, and then a photo."""
    return (
        _tar_entry("././@PaxHeader", b"0" * digits, tarfile.XHDTYPE)
        + _tar_entry("a.jpg", photo(), tarfile.REGTYPE)
        + bytes(2 * tarfile.BLOCKSIZE)
    )


def _tar_entry(name: str, data: bytes, kind: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def empty_form(parts: int) -> bytes:
    """A form with so many empty files."""
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="%d.jpg"\r\n\r\n\r\n'
    return b"".join(part % n for n in range(parts)) + b"--b--\r\n"


def endless_loop() -> bytes:
    """A network with a loop of 2⁶² rounds."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Neg", ["image"], ["negative"])],
        "body",
        [
            value("round", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("image", TensorProto.FLOAT, None),
        ],
        [value("go_on", TensorProto.BOOL, []), value("negative", TensorProto.FLOAT, None)],
    )
    rounds = helper.make_tensor("rounds", TensorProto.INT64, [], [2**62])
    return _network([helper.make_node("Loop", ["rounds", "", "photo"], ["logits"], body=body)], rounds)


def large_constants(side: int, products: int) -> bytes:
    """A network with products of large constant matrices, which are computed while it is loaded."""
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["m0"])]
    nodes += [helper.make_node("MatMul", [f"m{n}", "m0"], [f"m{n + 1}"]) for n in range(products)]
    nodes += [
        helper.make_node("ReduceMax", [f"m{products}"], ["most"], keepdims=0),
        helper.make_node("Add", ["photo", "most"], ["logits"]),
    ]
    return _network(nodes, helper.make_tensor("shape", TensorProto.INT64, [2], [side, side]))


def huge_output(side: int) -> bytes:
    """A network whose output has three channels of side² numbers."""
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceMax", ["photo"], ["brightest"], keepdims=0),
        helper.make_node("Add", ["zeros", "brightest"], ["logits"]),
    ]
    return _network(nodes, helper.make_tensor("shape", TensorProto.INT64, [4], [1, 3, side, side]))


def weights_elsewhere() -> bytes:
    """A network whose weights are in another file of the server."""
    weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[1])
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/hostname")
    return _network([helper.make_node("Add", ["photo", "weights"], ["logits"])], weights)


def _network(nodes: list[NodeProto], *constants: TensorProto) -> bytes:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "graph",
        [value("photo", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [value("logits", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        initializer=constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())

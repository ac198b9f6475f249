from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper
from torch import nn

from models.evaluation import EvaluationItem, evaluate
from models.images.palette import ClassTable
from models.stopping import stopped_by
from models.training.networks import Generator, initialise
from models.translation import onnx_session
from models.translation.artifacts import ImportedSpec, load_model, read_spec
from models.translation.export import export_onnx
from models.translation.onnx_network import OnnxNetwork
from models.translation.translator import Translator
from processes.without_files import version
from tests.models.runs import TABLE, scene, write_imported_spec, write_scenes


def generator() -> Generator:
    network = Generator(2, 1)
    initialise(network, torch.Generator().manual_seed(1))
    for parameter in network.parameters():
        parameter.data *= 3
    return network


def write_graph(
    path: Path,
    *,
    input_name: str = "photo",
    input_shape: tuple[int | str, ...] = ("batch", 3, 16, 16),
    kind: int = TensorProto.FLOAT,
    output_name: str = "logits",
    output_shape: tuple[int | str, ...] = ("batch", 3, 16, 16),
    second_output: bool = False,
    only_bright_channels: bool = False,
) -> None:
    """An ONNX file that returns its input, or only the channels with a value above 0."""
    outputs = [output_name, "more"] if second_output else [output_name]
    nodes = [helper.make_node("Identity", [input_name], [name]) for name in outputs]
    if only_bright_channels:
        nodes = [
            helper.make_node("ReduceMax", [input_name], ["brightest"], axes=[0, 2, 3], keepdims=0),
            helper.make_node("Cast", ["brightest"], ["bright"], to=TensorProto.BOOL),
            helper.make_node("Compress", [input_name, "bright"], [output_name], axis=1),
        ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(input_name, kind, input_shape)],
        [helper.make_tensor_value_info(name, kind, output_shape) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)


@pytest.mark.parametrize(("table", "learns_classes"), [(TABLE, False), (TABLE, True), (None, False)])
def test_an_exported_network_scores_the_same_when_imported(
    tmp_path: Path, table: ClassTable | None, learns_classes: bool
) -> None:
    """A network that is exported and imported again gives the same scores as the original."""
    network = nn.Sequential(generator(), nn.Conv2d(3, 3, 3, padding=1)) if learns_classes else generator()
    pairs = write_scenes(tmp_path / "data", 2)
    items = [EvaluationItem(photo.name, photo, label if table else photo) for photo, label in pairs]
    original = Translator(network, 32, table, learns_classes=learns_classes)
    export_onnx(network, 32, tmp_path / "model.onnx", learns_classes=learns_classes)
    write_imported_spec(tmp_path, table)
    imported = Translator.load(tmp_path)
    assert (imported.learns_classes, imported.direction) == (learns_classes, "photos_to_labels")
    ours, theirs = evaluate(original, items).to_json(), evaluate(imported, items).to_json()
    assert theirs.keys() == ours.keys()
    score = "pixel_accuracy" if table else "mean_absolute_error"
    assert ours[score] > 0
    assert theirs[score] == pytest.approx(ours[score], rel=1e-3)
    photo = scene(0)[0]
    assert np.abs(imported.draw(photo).astype(int) - original.draw(photo)).mean() < 0.5


def test_an_exported_network_that_keeps_the_aspect_does_so_when_imported(tmp_path: Path) -> None:
    """The file takes photos of every aspect at the size in its metadata, and finds the same classes."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, 8, 1), nn.ReLU(), nn.Conv2d(8, 3, 1))
    original = Translator(network, 64, TABLE, learns_classes=True, keeps_aspect=True)
    export_onnx(network, 64, tmp_path / "model.onnx", learns_classes=True, keeps_aspect=True)
    write_imported_spec(tmp_path, TABLE)
    imported = Translator.load(tmp_path)
    assert (imported.learns_classes, imported.keeps_aspect) == (True, True)
    for height, width in ((48, 64), (30, 128), (160, 24), (5, 4)):
        photo = scene(0, 160, 128)[0][:height, :width]
        for test_time in ("none", "scales"):
            ours = original.translate(photo, test_time=test_time)
            theirs = imported.translate(photo, test_time=test_time)
            assert ours.confidence is not None
            assert theirs.confidence is not None
            np.testing.assert_allclose(theirs.confidence, ours.confidence, atol=1e-4)
            assert ours.label_map is not None
            assert theirs.label_map is not None
            assert (theirs.label_map == ours.label_map).mean() > 0.99


def test_a_folder_made_by_hand_is_a_model(tmp_path: Path) -> None:
    """An import needs only the ONNX file and a `spec.json` with its name and the classes."""
    write_graph(tmp_path / "model.onnx")
    spec = {"onnx": "model.onnx", "class_table": TABLE.to_json()}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    assert read_spec(tmp_path) == ImportedSpec("model.onnx", TABLE)
    photo = scene(0)[0]
    translation = Translator.load(tmp_path).translate(photo)
    assert translation.label_map is not None
    assert translation.label_map.shape == (48, 64)
    with pytest.raises(ValueError, match="an imported model translates photos to labels only"):
        Translator.load(tmp_path, direction="labels_to_photos")
    with pytest.raises(ValueError, match="imported model"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"input_name": "image"}, "its inputs are image"),
        ({"input_shape": ("batch", 3, "height", "width")}, "its metadata has no `load_size` from 32 to 4096"),
        ({"input_shape": ("batch", 3, "height", 16)}, "its input is tensor"),
        ({"input_shape": ("batch", 3, 16, 24)}, "its input is tensor"),
        ({"input_shape": ("batch", 1, 16, 16)}, "its input is tensor"),
        ({"input_shape": (4, 3, 16, 16), "output_shape": (4, 3, 16, 16)}, r"of shape \[4, 3, 16, 16\]"),
        ({"input_shape": (3, 16, 16), "output_shape": (3, 16, 16)}, r"of shape \[3, 16, 16\]"),
        ({"kind": TensorProto.DOUBLE}, r"its input is tensor\(double\)"),
        ({"second_output": True}, "its outputs are logits, more"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    """The error names what is wrong with the file and what is expected."""
    write_graph(tmp_path / "model.onnx", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message) as caught:
        OnnxNetwork(tmp_path / "model.onnx", TABLE)
    assert "Expected: an ONNX file with one input `photo`, float32 (B, 3, S, S)" in str(caught.value)


def test_the_output_must_fit_the_classes(tmp_path: Path) -> None:
    """Another number of logits than classes, or logits for a pool without classes, raise ValueError."""
    four = ClassTable((*TABLE.names, "car"), (*TABLE.colors, (9, 9, 9)))
    path = tmp_path / "model.onnx"
    write_graph(path)
    with pytest.raises(ValueError, match=r"the logits of the 4 classes \(B, 4, H, W\)"):
        OnnxNetwork(path, four)
    with pytest.raises(
        ValueError, match=r"one float32 output: `translation`, RGB in \[−1, 1\] \(B, 3, H, W\)$"
    ):
        OnnxNetwork(path, None)
    write_graph(path, output_shape=("batch", "channels", 16, 16), only_bright_channels=True)
    with pytest.raises(ValueError, match=r"its output has shape \(1, 0, 16, 16\)"):
        OnnxNetwork(path, four)(torch.zeros(1, 3, 16, 16))
    assert OnnxNetwork(path, TABLE)(torch.ones(1, 3, 16, 16)).shape == (1, 3, 16, 16)
    write_graph(path, output_name="translation")
    assert not OnnxNetwork(path, four).learns_classes


def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path) -> None:
    """Other bytes, or an empty file, raise ValueError that names the file."""
    for content in (b"", b"a photo, or anything else", b"PK\x03\x04 a pickle in a zip"):
        (tmp_path / "mine.onnx").write_bytes(content)
        with pytest.raises(
            ValueError, match=r"mine\.onnx cannot be used: (it is no ONNX|onnxruntime cannot)"
        ):
            OnnxNetwork(tmp_path / "mine.onnx", TABLE)


def external() -> TensorProto:
    """A tensor whose data is in another file, which exists and fits."""
    tensor = TensorProto(
        name="more", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL
    )
    tensor.external_data.add(key="location", value="secret")
    return tensor


def hide(place: str, model: ModelProto) -> None:
    """Put an external tensor somewhere into a model."""
    branch = helper.make_graph([], "branch", [], [])
    node = helper.make_node("If", ["condition"], ["chosen"], then_branch=branch)
    constant = helper.make_node("Constant", [], ["value"], value=external())
    if place == "graph":
        model.graph.initializer.append(external())
    elif place == "subgraph":
        node.attribute[0].g.initializer.append(external())
        model.graph.node.append(node)
    elif place == "attribute of a subgraph":
        node.attribute[0].g.node.append(constant)
        model.graph.node.append(node)
    elif place == "sparse tensor":
        model.graph.sparse_initializer.add(dims=[1]).values.CopyFrom(external())
    elif place == "function":
        opset = helper.make_opsetid("", 17)
        model.functions.append(helper.make_function("mine", "f", [], ["value"], [constant], [opset]))
    else:
        node.attribute[0].g.initializer.append(external())
        opset = helper.make_opsetid("", 17)
        model.functions.append(helper.make_function("mine", "f", [], ["chosen"], [node], [opset]))


@pytest.mark.parametrize(
    "place",
    ["graph", "subgraph", "attribute of a subgraph", "sparse tensor", "function", "subgraph of a function"],
)
def test_a_file_that_refers_to_another_is_refused(tmp_path: Path, place: str) -> None:
    """Wherever a tensor is kept in another file, even in the same folder, that file is not read."""
    path = tmp_path / "model.onnx"
    write_graph(path)
    (tmp_path / "secret").write_bytes(bytes(4))
    model = onnx.load(path)
    hide(place, model)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="it refers to other files: export it self-contained"):
        OnnxNetwork(path, TABLE)


def write_network(path: Path, nodes: list[NodeProto], *constants: TensorProto) -> None:
    """An ONNX file with these nodes, which make `logits` of `photo`."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "graph",
        [value("photo", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [value("logits", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        initializer=constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def whole_numbers(name: str, *values: int) -> TensorProto:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def write_endless_loop(path: Path) -> None:
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Neg", ["image"], ["negative"]),
        ],
        "body",
        [
            value("round", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("image", TensorProto.FLOAT, None),
        ],
        [value("go_on", TensorProto.BOOL, []), value("negative", TensorProto.FLOAT, None)],
    )
    rounds = helper.make_tensor("rounds", TensorProto.INT64, [], [2**62])
    write_network(path, [helper.make_node("Loop", ["rounds", "", "photo"], ["logits"], body=body)], rounds)


def test_a_graph_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop of 2⁶² rounds is stopped at the limit of processor time, and the model counts as unusable."""
    path = tmp_path / "model.onnx"
    write_endless_loop(path)
    monkeypatch.setattr(onnx_session, "SECONDS", 0.5)
    monkeypatch.setattr(onnx_session, "SILENCE", 1000)
    network = OnnxNetwork(path, TABLE)
    for _ in range(2):  # the second time in another process
        with pytest.raises(ValueError, match=r"more than 0\.5 seconds of processor time"):
            network(torch.zeros(1, 3, 16, 16))


def test_constants_that_take_for_ever_are_not_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Products of large matrices, which onnxruntime computes while it loads the file, meet the same limit."""
    path = tmp_path / "model.onnx"
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["m0"])]
    nodes += [helper.make_node("MatMul", [f"m{i}", "m0"], [f"m{i + 1}"]) for i in range(200)]
    nodes += [
        helper.make_node("ReduceMax", ["m200"], ["most"], keepdims=0),
        helper.make_node("Add", ["photo", "most"], ["logits"]),
    ]
    write_network(path, nodes, whole_numbers("shape", 3000, 3000))
    monkeypatch.setattr(onnx_session, "SECONDS", 0.5)
    monkeypatch.setattr(onnx_session, "SILENCE", 1000)
    with pytest.raises(ValueError, match=r"more than 0\.5 seconds of processor time"):
        OnnxNetwork(path, TABLE)


def test_a_process_that_only_waits_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that gives no answer and uses no processor time is ended after a while on the clock."""
    path = tmp_path / "model.onnx"
    write_graph(path)
    session = onnx_session.ConfinedSession(path, 1)
    session._process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(session, "_seconds", 0.2)
    with pytest.raises(ValueError, match="no answer for 2 seconds"):
        session.run("photo", np.zeros((1, 3, 16, 16), np.float32))
    assert not running(path)


@pytest.mark.skipif(version() < 1, reason="this kernel has no Landlock")
def test_the_process_reads_no_file_but_the_model(tmp_path: Path) -> None:
    """Whatever the file makes it do."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from models.translation import onnx_process\n"
        "def read(*of_load):\n"
        f"    Path({str(secret)!r}).read_text()\n"
        "onnx_process._load = read\n"
        f"onnx_process.main(Path({str(tmp_path / 'model.onnx')!r}), 1, 2**30, 20.0)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert "Permission denied" in json.loads(ran.stdout)["error"]


def test_the_process_gets_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the program are in the environment of the worker alone."""
    path = tmp_path / "model.onnx"
    write_graph(path)
    monkeypatch.setenv("FEWPAIRS_ADMIN_KEY", "fp_a-key")
    session = onnx_session.ConfinedSession(path, 1)
    assert b"fp_a-key" not in Path(f"/proc/{session._process.pid}/environ").read_bytes()


def test_an_output_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    """A file of some hundred bytes whose output has 10 GB takes no more than the limit."""
    path = tmp_path / "model.onnx"
    write_network(
        path,
        [
            helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
            helper.make_node("ReduceMax", ["photo"], ["brightest"], keepdims=0),
            helper.make_node("Add", ["zeros", "brightest"], ["logits"]),
        ],
        whole_numbers("shape", 1, 3, 29_000, 29_000),
    )
    with pytest.raises(ValueError, match="it needs more than 1,024 MiB of memory"):
        OnnxNetwork(path, TABLE)(torch.zeros(1, 3, 16, 16))


def running(path: Path) -> list[str]:
    """The processes with the file in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if str(path).encode() in (folder / "cmdline").read_bytes():
                found.append(folder.name)
    return found


def test_a_network_that_runs_is_ended_when_the_work_has_to_stop(tmp_path: Path) -> None:
    """What `stopped_by` raises comes out at once, and the process of the endless loop is gone."""
    path = tmp_path / "model.onnx"
    write_endless_loop(path)
    network = OnnxNetwork(path, TABLE)

    def stop() -> None:
        raise InterruptedError

    with stopped_by(stop), pytest.raises(InterruptedError):
        network(torch.zeros(1, 3, 16, 16))
    assert not running(path)


def test_the_process_ends_with_its_network(tmp_path: Path) -> None:
    """No process of a model stays when the translator is no longer used."""
    path = tmp_path / "model.onnx"
    write_graph(path)
    network = OnnxNetwork(path, TABLE)
    assert running(path)
    del network
    gc.collect()
    assert not running(path)

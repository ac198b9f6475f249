"""Fine-tuning: where it starts from, what it trains, and what a step sees."""

import copy
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from models.images.tensors import scaled
from models.training.aspect_data import sized_pair
from models.training.calibration import Cells, cross_fitted_temperature
from models.training.crop_data import CropBatch, CropData
from models.training.data import TrainingFiles
from models.training.methods.finetune import CALIBRATION_L2, FineTuning
from tests.models.runs import TABLE, small_spec, write_scenes

CPU = torch.device("cpu")


@pytest.fixture
def files(tmp_path: Path) -> TrainingFiles:
    """Two pairs, one of them upright, and two unpaired photos."""
    pairs = [*write_scenes(tmp_path / "wide", 1), *write_scenes(tmp_path / "high", 1, height=80, width=48)]
    unpaired = write_scenes(tmp_path / "unpaired", 2, seed=1)
    return TrainingFiles(TABLE, pairs, [photo for photo, _ in unpaired], [])


def _begun(files: TrainingFiles, **options: float) -> tuple[FineTuning, CropData]:
    spec = small_spec("finetune", image_size=64, load_size=64, **options)
    method, data = FineTuning(spec, CPU, TABLE), FineTuning.data(spec, files, CPU)
    method.begin(data)
    return method, data


def _tensors(batch: CropBatch) -> list[Tensor]:
    assert batch.classes is not None
    assert batch.unpaired is not None
    return [batch.x, batch.classes, batch.unpaired.weak, batch.unpaired.strong, batch.unpaired.masks]


def test_it_starts_as_the_linear_classifier(files: TrainingFiles) -> None:
    """Before the first step the decoder adds nothing to the fitted head, which knows the training photos."""
    method, _ = _begun(files)
    photo, classes = sized_pair(files.pairs[0], TABLE, 64)
    x = scaled(photo[None])
    with torch.no_grad():
        logits, linear = method.dense(x), method.dense.head(method.dense.encoder(x))
    torch.testing.assert_close(logits, interpolate(linear, logits.shape[2:], mode="bilinear"))
    predicted = interpolate(logits, classes.shape, mode="bilinear")[0].argmax(dim=0)
    labelled = classes != TABLE.ignore
    assert (predicted == classes)[labelled].float().mean() > 0.6  # chance: 1 / 3


def test_a_step_trains_all_but_the_first_layers(files: TrainingFiles) -> None:
    """Every weight of encoder, head and decoder moves, except those up to the map of stride 4."""
    method, data = _begun(files)
    before = {name: weight.clone() for name, weight in method.dense.state_dict().items()}
    for step in range(2):  # in the first, the decoder's last layer is still zero and passes no gradient on
        method.step(data.batch(step))
    frozen = {id(weight) for layer in method.dense.encoder.early for weight in layer.parameters()}
    assert frozen
    for name, weight in method.dense.named_parameters():
        assert torch.equal(weight, before[name]) == (id(weight) in frozen), name


def test_a_batch_overwrites_all_of_another(files: TrainingFiles) -> None:
    """A copy of one step's batch takes the numbers of another step, also of the unpaired crops, in the
    tensors that it had: a recorded step reads these.
    """
    spec = small_spec("finetune", image_size=64, load_size=64, lambda_consistency=1.0, batch_size=3)
    data = CropData(files, spec, CPU)
    first, second = data.batch(0), data.batch(1)
    copied = deepcopy(first)
    places = [tensor.data_ptr() for tensor in _tensors(copied)]
    copied.overwrite(second)
    assert all(map(torch.equal, _tensors(copied), _tensors(second)))
    assert [tensor.data_ptr() for tensor in _tensors(copied)] == places
    assert not any(map(torch.equal, _tensors(copied)[:4], _tensors(first)[:4]))


def test_a_step_sees_the_same_crops_whoever_asks(files: TrainingFiles) -> None:
    """Another data object gives the same batch for a step, and another one for the next step."""
    spec = small_spec("finetune", image_size=64, load_size=64, lambda_consistency=1.0, batch_size=3)
    first, again = (CropData(files, spec, CPU) for _ in range(2))
    first.batch(4)
    for step in (0, 5):
        one, other = first.batch(step), again.batch(step)
        for mine, theirs in zip(_tensors(one), _tensors(other), strict=True):
            assert torch.equal(mine, theirs)
        assert not torch.equal(one.x, first.batch(step + 1).x)
        assert one.classes is not None
        assert one.x.shape == (3, 3, *one.classes.shape[1:])
        assert one.x.abs().max() <= 1
        assert {0, 1, 2} <= set(one.classes.unique().tolist()) <= {0, 1, 2, TABLE.ignore}


def test_unpaired_photos_are_read_only_for_consistency(files: TrainingFiles) -> None:
    """Without the option, a missing unpaired photo does no harm, and a batch has no unpaired crops."""
    missing = TrainingFiles(TABLE, files.pairs, [Path("missing.png")], [])
    data = CropData(missing, small_spec("finetune"), CPU)
    batch = data.batch(0)
    assert isinstance(batch, CropBatch)
    assert batch.unpaired is None


def test_consistency_without_unpaired_photos_is_refused(files: TrainingFiles) -> None:
    """The option would change nothing, so asking for it is an error."""
    spec = small_spec("finetune", lambda_consistency=1.0)
    with pytest.raises(ValueError, match="needs unpaired photos, and there are none"):
        CropData(TrainingFiles(TABLE, files.pairs, [], []), spec, CPU)


def test_the_teacher_follows_the_network(files: TrainingFiles) -> None:
    """After a step, each of the teacher's weights is `ema` of its own and 1 − `ema` of the network's."""
    method, data = _begun(files, lambda_consistency=1.0, ema=0.75, learning_rate=0.1)
    before = [weight.clone() for weight in method.teacher.parameters()]
    losses = method.step(data.batch(0))
    assert set(losses) == {"cross_entropy", "consistency"}
    weights = zip(before, method.dense.parameters(), method.teacher.parameters(), strict=True)
    for old, network, teacher in weights:
        torch.testing.assert_close(teacher, 0.75 * old + 0.25 * network)


def test_the_temperature_is_that_of_the_classifier_it_starts_from(files: TrainingFiles) -> None:
    """It is fitted on pixels that were held out of a frozen encoder's classifier: what the steps have done to
    the encoder does not change it, and the network that becomes the model gets it."""
    method, data = _begun(files, learning_rate=0.1)
    cells = Cells.of(method.dense.encoder, method.dense.head, files, 64, method.spec.seed)
    expected = cross_fitted_temperature(cells, CALIBRATION_L2)
    average = copy.deepcopy(method.dense)
    method.step(data.batch(0))
    method.finish({"photo_to_label": average}, data)
    assert average.temperature == method.dense.temperature == pytest.approx(expected, rel=1e-4)
    assert expected != 1


def test_rare_classes_weigh_more(files: TrainingFiles) -> None:
    """The weight of a class is √(1 / (f + 0.001)), f its share of the labelled pixels, and at most 10."""
    method, data = _begun(files)
    counts = data.class_counts()
    shares = (counts / counts.sum()).tolist()
    expected = [min(10.0, (1 / (share + 0.001)) ** 0.5) for share in shares]
    torch.testing.assert_close(method.cross_entropy.weights, torch.tensor(expected))


def test_the_learning_rate_warms_up_and_falls_to_almost_nothing() -> None:
    """The largest rate comes at the end of the warm-up; the last is small, and none is 0."""
    factors = [FineTuning.learning_rate_factor(step, 200) for step in range(200)]
    assert factors.index(max(factors)) == 29
    assert factors[0] == pytest.approx(1 / 30)
    assert 0 < factors[-1] < 0.01

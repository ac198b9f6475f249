"""The pretrained generator, and the methods that train it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from models.encoders.feature_maps import feature_maps, pretrained_feature_maps
from models.images.tensors import scaled, to_tensor
from models.training.class_losses import labelled_cross_entropy
from models.training.data import Batch
from models.training.methods.hybrid import Hybrid
from models.training.methods.pix2pix import Pix2Pix
from models.training.networks import Generator
from models.training.networks.pretrained_generator import PretrainedGenerator
from models.training.trainer import train
from models.translation.artifacts import load_model
from models.translation.translator import Translator
from tests.models.runs import TABLE, scene, small_spec, train_until, write_run

CPU = torch.device("cpu")
NAME = "efficientnet_lite0"


def photos(count: int, height: int = 64, width: int = 64) -> Tensor:
    return scaled(torch.stack([to_tensor(scene(seed, height, width)[0]) for seed in range(count)]))


def pairs(count: int, size: int = 32) -> Batch:
    label_maps = [scene(seed, size, size)[1] for seed in range(count)]
    drawn = scaled(torch.stack([to_tensor(TABLE.encode(label_map)) for label_map in label_maps]))
    classes = torch.from_numpy(np.stack(label_maps)).long()
    return Batch(photos(count, size, size), drawn, count, classes)


@pytest.mark.parametrize("size", [(32, 32), (64, 96)])
@pytest.mark.parametrize("classes", [None, 5])
def test_the_output_is_an_image_or_logits_of_the_photos_size(
    size: tuple[int, int], classes: int | None
) -> None:
    """Without classes the output is an image in [−1, 1]; with classes it has one channel for each."""
    output = PretrainedGenerator(feature_maps(NAME), 3, classes)(photos(2, *size))
    assert output.shape == (2, classes or 3, *size)
    assert classes or output.abs().max() <= 1


def test_the_number_of_parameters() -> None:
    """With 64 channels it is a third of that of the paper's generator, as documented."""
    with torch.device("meta"):
        network = PretrainedGenerator(feature_maps(NAME))
    assert sum(weights.numel() for weights in network.parameters()) == 3_720_179


def test_no_sample_of_a_batch_changes_another() -> None:
    """Three photos at once give what each of them gives alone, so that the hybrid may batch its calls."""
    network, batch = PretrainedGenerator(pretrained_feature_maps(NAME)[0], 4, 5), photos(3)
    separate = torch.cat([network(photo[None]) for photo in batch])
    torch.testing.assert_close(network(batch), separate, rtol=1e-4, atol=1e-5)


def test_the_encoder_starts_pretrained_and_the_decoder_from_the_seed() -> None:
    """Another seed changes the decoder and not the encoder, whose weights are those that the notes name."""
    one, two = (
        Hybrid(small_spec("hybrid", generator="pretrained", seed=seed), CPU, TABLE) for seed in (0, 1)
    )
    encoder, digest = pretrained_feature_maps(NAME)
    first, second = one.G_XY.state_dict(), two.G_XY.state_dict()
    for name, weights in encoder.state_dict().items():
        assert torch.equal(first[f"encoder.{name}"], weights)
        assert torch.equal(second[f"encoder.{name}"], weights)
    assert not torch.equal(first["decoder.last.weight"], second["decoder.last.weight"])
    assert one.notes == {"encoder": NAME, "weights_digest": digest}


def test_what_the_discriminator_sees_is_the_mean_class_colour() -> None:
    """Σ_k p_k c_k, pixel by pixel in plain numpy; a certain class shows its own colour."""
    method = Pix2Pix(small_spec("pix2pix", generator="pretrained"), CPU, TABLE)
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    drawn = method.drawn(logits).numpy()
    colors = np.array(TABLE.colors) / 127.5 - 1
    for b, h, w in np.ndindex(2, 4, 5):
        weights = np.exp(logits[b, :, h, w].numpy().astype(float))
        np.testing.assert_allclose(drawn[b, :, h, w], weights @ colors / weights.sum(), atol=1e-6)
    certain = torch.full((1, 3, 1, 1), -100.0)
    certain[0, 1] = 100
    np.testing.assert_allclose(method.drawn(certain)[0, :, 0, 0].numpy(), colors[1], atol=1e-6)


def test_the_loss_of_classes_is_their_mean_cross_entropy_where_they_are_known() -> None:
    """A plain loop over the labelled pixels gives the same; without any labelled pixel it is 0."""
    logits = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    classes = torch.randint(0, 4, (2, 4, 5), generator=torch.Generator().manual_seed(2))
    classes[classes == 3] = 255
    expected = [
        math.log(sum(map(math.exp, logits[b, :, h, w].tolist()))) - logits[b, classes[b, h, w], h, w].item()
        for b, h, w in np.ndindex(2, 4, 5)
        if classes[b, h, w] != 255
    ]
    assert 10 < len(expected) < 40
    loss = labelled_cross_entropy(logits, classes, 255).item()
    assert loss == pytest.approx(sum(expected) / len(expected), rel=1e-12)
    assert labelled_cross_entropy(logits, torch.full_like(classes, 255), 255) == 0


@pytest.mark.parametrize("name", ["hybrid", "pix2pix"])
def test_a_step_compares_classes_in_place_of_colours(name: str) -> None:
    """The losses on pairs are the cross-entropy of photo → label, and the L1 of label → photo alone."""
    spec = small_spec(name, generator="pretrained", lambda_gan=0.0, lambda_l1=10.0)
    method, batch = (Hybrid if name == "hybrid" else Pix2Pix)(spec, CPU, TABLE), pairs(2)
    with torch.no_grad():
        predicted, fake_x = method.G_XY(batch.x), method.G_YX(batch.y)
    assert batch.classes is not None
    losses = method.step(batch)
    expected = labelled_cross_entropy(predicted, batch.classes, TABLE.ignore)
    torch.testing.assert_close(losses["G_cross_entropy"], expected)
    torch.testing.assert_close(losses["G_l1"], (fake_x - batch.x).abs().mean())
    if name == "pix2pix":
        torch.testing.assert_close(losses["G"], 10 * (losses["G_cross_entropy"] + losses["G_l1"]))


def test_images_without_classes_keep_the_papers_losses() -> None:
    """In an `rgb` pool the pretrained generator draws, and its loss on pairs is Eq. 5's L1."""
    method = Hybrid(small_spec("hybrid", generator="pretrained"), CPU, None)
    x_y = pairs(1)
    losses = method.step(Batch(x_y.x, x_y.y, 1))
    assert "G_cross_entropy" not in losses
    assert method.G_XY(x_y.x).shape == x_y.y.shape


def test_a_trained_model_is_exact_and_complete(tmp_path: Path) -> None:
    """A hybrid training that was stopped ends with the same bits. Its model predicts classes, in torch and in
    ONNX alike, and labels → photos is the paper's generator.

    The first batch has no pair, of which the rehearsal makes one.
    """
    options = {"generator": "pretrained", "total_steps": 6, "checkpoint_every": 2, "seed": 3}
    whole, stopped = (write_run(tmp_path / name, small_spec("hybrid", **options)) for name in ("a", "b"))
    train(whole, "cpu")
    train_until(stopped, 3)
    train_until(stopped, 6)
    name = "checkpoint.safetensors"
    assert (stopped / name).read_bytes() == (whole / name).read_bytes()

    photo, _ = scene(50)
    translator = Translator.load(whole / "model")
    assert translator.learns_classes
    assert set(np.unique(translator.translate(photo).label_map)) <= {0, 1, 2}
    network, _ = load_model(whole / "model")
    session = onnxruntime.InferenceSession(whole / "model" / "photo_to_label.onnx")
    batch = photos(2, 32, 32)
    [logits] = session.run(["logits"], {"photo": batch.numpy()})
    np.testing.assert_allclose(logits, network(batch).numpy(), atol=1e-4)
    assert isinstance(load_model(whole / "model", "label_to_photo")[0], Generator)

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from models.catalog import METHODS, RECIPES, TrainingSpec, build


def test_the_paper_recipe_has_the_papers_values() -> None:
    """Sizes, weights, pool, optimiser and epochs are those of §3.5."""
    spec = build("paper", "hybrid")
    assert (spec.load_size, spec.image_size, spec.batch_size, spec.channels, spec.blocks) == (
        286,
        256,
        1,
        64,
        9,
    )
    assert (spec.lambda_gan, spec.lambda_cycle, spec.lambda_identity, spec.lambda_l1) == (1, 10, 10, 150)
    assert (spec.learning_rate, spec.beta1, spec.beta2, spec.pool_size) == (2e-4, 0.5, 0.999, 50)
    assert (spec.adversarial, spec.balance, spec.epochs, spec.total_steps) == (
        "relativistic",
        True,
        200,
        None,
    )


def test_pix2pix_differs_as_the_baseline_does() -> None:
    """The pix2pix baseline: conditional discriminator, cross-entropy, λ 100, no pool."""
    spec = build("paper", "pix2pix")
    assert (spec.conditional, spec.adversarial, spec.lambda_l1, spec.pool_size) == (
        True,
        "cross_entropy",
        100,
        0,
    )


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("method", METHODS)
def test_specs_survive_json(recipe: str, method: str) -> None:
    """Every recipe's spec equals the spec read back from its JSON text."""
    spec = build(recipe, method, seed=3)
    assert TrainingSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "huge"}, "unknown recipe 'huge'; there are paper, small, tiny"),
        ({"method": "unit"}, "unknown method 'unit'; there are hybrid, pix2pix, cyclegan"),
        ({"lamda_l1": 3}, "unknown training option lamda_l1"),
        ({"image_size": 62}, "image_size must be a multiple of 4"),
        ({"image_size": 16}, "image_size must be from 32"),
        ({"image_size": 76, "load_size": 72}, r"load_size \(72\) has to be at least image_size \(76\)"),
        ({"batch_size": 0}, "batch_size must be from 1"),
        ({"batch_size": 1.5}, "batch_size must be of type int"),
        ({"batch_size": True}, "batch_size must be of type int"),
        ({"batch_size": "2"}, "batch_size must be of type int"),
        ({"balance": 1}, "balance must be of type bool"),
        ({"lambda_l1": -1}, "lambda_l1 must be from 0 to 1000000000"),
        ({"lambda_l1": float("nan")}, "lambda_l1 must be from 0 to 1000000000"),
        ({"learning_rate": 2}, "learning_rate must be from 0 to 1"),
        ({"adversarial": "wgan"}, "adversarial must be one of relativistic, cross_entropy, least_squares"),
        ({"total_steps": 0}, "total_steps must be from 1"),
        ({"checkpoint_every": 15}, r"checkpoint_every \(15\) has to be a multiple of log_every \(10\)"),
        ({"seed": -1}, "seed must be from 0"),
        ({"method": "pix2pix", "joint": True}, "joint is an option of hybrid, not of pix2pix"),
        ({"conditional": True}, "conditional is an option of pix2pix, not of hybrid"),
        ({"method": "pix2pix", "lambda_cycle": 0.0}, "lambda_cycle has no effect on pix2pix: leave it out"),
        ({"method": "cyclegan", "lambda_l1": 1.0}, "lambda_l1 has no effect on cyclegan: leave it out"),
        ({"method": "tripathy", "lambda_l1": 1.0}, "lambda_l1 has no effect on tripathy: leave it out"),
        ({"method": "fcn8s", "encoder": "timm:x"}, "encoder has no effect on fcn8s: leave it out"),
        ({"method": "hybrid", "encoder": "timm:x"}, "encoder has no effect without generator=pretrained"),
        (
            {"method": "hybrid", "generator": "pretrained", "image_size": 72},
            r"image_size \(72\) has to be a multiple of 32",
        ),
        ({"method": "fcn8s", "seed": 1, "blocks": 9}, "blocks has no effect on fcn8s: leave it out"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    """Each bad option raises ValueError with a sentence that names it and says what is allowed."""
    with pytest.raises(ValueError, match=message):
        build(options.pop("recipe", "tiny"), options.pop("method", "hybrid"), **options)


def test_the_load_size_follows_the_image_size() -> None:
    """An image size without a load size keeps the proportion 286 : 256; a given load size is kept."""
    assert build("tiny", "hybrid", image_size=128).load_size == 143
    assert build("tiny", "hybrid", image_size=128, load_size=128).load_size == 128


def test_a_switch_brings_its_own_defaults() -> None:
    """With `sgd`, fcn8s has the published settings; an option that is given stays."""
    spec = build("tiny", "fcn8s", sgd=True)
    assert (spec.learning_rate, spec.beta1, spec.batch_size) == (1e-10, 0.95, 16)
    assert build("tiny", "fcn8s", sgd=True, batch_size=3).batch_size == 3
    assert build("tiny", "fcn8s", sgd=False).learning_rate == 1e-4


def test_a_spec_file_with_missing_or_unknown_fields_is_refused() -> None:
    """A spec with a missing or an unknown field is refused."""
    with pytest.raises(ValueError, match="a training spec needs method"):
        TrainingSpec.from_json({"recipe": "tiny"})
    with pytest.raises(ValueError, match="unknown training option colour"):
        TrainingSpec.from_json({"recipe": "tiny", "method": "hybrid", "colour": 1})


def test_the_catalog_needs_only_the_standard_library() -> None:
    """Importing it loads no other module, first-party or third-party."""
    program = (
        "import sys; before = set(sys.modules); import models.catalog; print(*(set(sys.modules) - before))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    others = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names
    assert others == {"models"}
    assert {name.split(".")[1] for name in loaded if name.startswith("models.")} == {"catalog"}

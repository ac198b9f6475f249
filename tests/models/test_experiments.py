from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from models.catalog import METHODS, build
from models.experiments.dataset import Dataset, LabelSource
from models.experiments.definitions import EXPERIMENTS, RUNS
from models.experiments.execution import Progress, execute
from models.experiments.experiment import Experiment, Row
from models.experiments.run import Run
from models.experiments.scoring import cost_path, scores_path, train_and_score
from models.experiments.setting import Setting, train_features
from models.images.photos import write_label_map
from models.training.methods.tripathy import Tripathy
from models.training.run_directory import RunDirectory, RunInUse
from tests.models.runs import TABLE, scene


def write_dataset(folder: Path, train: int, val: int, rgb: bool = False) -> Dataset:
    for split, count in (("train", train), ("val", val)):
        for kind in ("images", "labels"):
            (folder / split / kind).mkdir(parents=True)
        for index in range(count):
            photo, label_map = scene(index + 100 * (split == "val"))
            Image.fromarray(photo).save(folder / split / "images" / f"{index:03d}.jpg")
            if rgb:
                Image.fromarray(TABLE.encode(label_map)).save(folder / split / "labels" / f"{index:03d}.jpg")
            else:
                write_label_map(folder / split / "labels" / f"{index:03d}.png", label_map)
    if not rgb:
        (folder / "classes.json").write_text(json.dumps(TABLE.to_json()))
    return Dataset(folder)


def setting_of(data: Dataset, **options: object) -> Setting:
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(len(data.train), 8)).astype(np.float32)
    patches = random.normal(size=(len(data.train), 4, 6)).astype(np.float16)
    return Setting(data, embeddings, **{"steps": 2, "patches": patches, **options})  # type: ignore[arg-type]


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path / "data", train=45, val=3)


def near_and_far(data: Dataset) -> dict[str, LabelSource]:
    return {name: LabelSource(name, data.directory) for name in ("near", "far")}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_table_can_be_planned(name: str, data: Dataset) -> None:
    """Every row has one run per seed, or per draw if its pairs are random, and a cell for every column."""
    experiment = EXPERIMENTS[name](setting_of(data, seeds=2, draws=3, sources=near_and_far(data)))
    for row in experiment.rows:
        assert len(row.cells) == len(experiment.columns)
        assert len(row.runs) == (3 if {"random", "1rand"} & set(row.cells) else 2)
    assert {run.key for row in experiment.rows for run in row.runs} == {run.key for run in experiment.runs}


def test_tables_have_the_papers_rows(data: Dataset) -> None:
    """Table 2 has the paper's rows in its order, with the paper's numbers; table 9 has the rows of
    table 2.
    """
    rows = EXPERIMENTS["table2"](setting_of(data)).rows
    of_the_paper = [row for row in rows if row.paper]
    assert [row.cells[1] for row in of_the_paper] == [
        *("45", "–", "1rand", "1", "5", "10", "20", "20unbal", "40", "30", "45", "45", "–", "45")
    ]
    assert rows[6].paper == (0.768, 0.291, 0.237)
    table9 = EXPERIMENTS["table9"](setting_of(data)).rows
    assert [row.cells for row in table9] == [row.cells for row in of_the_paper]


@pytest.mark.parametrize("name", [f"table{number}" for number in (1, 2, 3, 5, 6, 7)])
def test_tables_have_rows_beyond_the_paper(name: str, data: Dataset) -> None:
    """Every table of photos → labels shows probe and finetune with the table's own pairs, and with their own
    numbers of steps, unless the experiment has one.
    """
    setting = setting_of(data, steps=None, sources=near_and_far(data))
    rows = EXPERIMENTS[name](setting).rows
    pairs = {row.runs[0].pairs for row in rows if row.paper and "random" not in row.cells}
    for method in ("probe", "finetune"):
        beyond = [run for row in rows for run in row.runs if run.spec.method == method]
        assert beyond
        assert {run.pairs for run in beyond} <= pairs
        assert {run.steps for run in beyond} == {build("tiny", method).total_steps}


def test_images_without_classes_have_the_papers_rows_only(tmp_path: Path) -> None:
    """Methods that learn classes are left out where there are none."""
    data = write_dataset(tmp_path / "rgb", train=45, val=1, rgb=True)
    assert all(row.paper for row in EXPERIMENTS["table4"](setting_of(data)).rows)


def test_the_comparison_shows_every_method(data: Dataset) -> None:
    """Each method has a row at 1, 5, 10 and 20 pairs, which each seed picks anew by words, and takes its
    recipe's steps; the pictures show the rows with 20 pairs.
    """
    setting = setting_of(data, seeds=2, steps=None)
    compared = EXPERIMENTS["comparison"](setting)
    for method in sorted(set(METHODS) - {"cyclegan"}):
        for count in (1, 5, 10, 20):
            (row,) = [row for row in compared.rows if row.cells == (method, str(count))]
            assert [run.pairs for run in row.runs] == [
                setting.selected("words", count, data.train, seed) for seed in (0, 1)
            ]
            assert row.runs[0].spec.total_steps == build("tiny", method).total_steps
    assert {row.cells[1] for row in compared.pictured} == {"–", "20"}
    assert {row.runs[0].spec.method for row in compared.pictured} == set(METHODS)


def test_paper_scale_takes_the_papers_epochs() -> None:
    """At scale paper a training's length follows its samples: 200 epochs, so hybrid with 200 unpaired takes
    80,000 steps however many pairs it repeats, and Tripathy's 2,975 photos with 30 pairs take 50 epochs over
    the pairs (1,500 steps) and 150 over the rest (446,250).
    """
    setting = Setting(cast(Dataset, None), np.zeros((0, 8), np.float32), scale="paper")
    photos = tuple(map(str, range(2975)))
    tripathy = setting.run("tripathy", pairs=photos[:30], unpaired=photos)
    epochs = [Tripathy.epoch_size(tripathy.spec, 30, 2975, epoch) for epoch in range(200)]
    assert np.sum(epochs, axis=0).tolist() == [1_500, 446_250]
    assert tripathy.steps == 447_750
    for pairs in (1, 40):
        assert setting.run("hybrid", pairs=photos[:pairs], unpaired=photos[:200]).steps == 80_000
    assert setting.run("hybrid", pairs=photos[:20], unpaired=photos[:200], balance=False).steps == 44_000
    assert setting.run("cyclegan", unpaired=photos).steps == setting.run("pix2pix", pairs=photos).steps
    assert setting.run("pix2pix", pairs=photos).steps == 595_000
    assert replace(setting, steps=7).run("tripathy", pairs=photos[:30], unpaired=photos).steps == 7


def test_fcn8s_trains_as_long_as_hybrid(data: Dataset) -> None:
    """Table 6 gives both methods equally many steps, at scale paper too (§6.2.2)."""
    fcn8s, hybrid, *_ = EXPERIMENTS["table6"](setting_of(data, scale="paper", steps=None)).rows
    assert fcn8s.runs[0].steps == hybrid.runs[0].steps == 200 * 2 * 45


def test_tables_1_and_7_share_their_picks(tmp_path: Path) -> None:
    """The medoids of table 1 are picked among the 200 unpaired photos, and are the very trainings of table
    7's rows without unpaired samples; random pairs come from all photos.
    """
    data = write_dataset(tmp_path / "data", train=230, val=1)
    setting = setting_of(data, seeds=1, draws=3, sources=near_and_far(data))
    table1, table7 = EXPERIMENTS["table1"](setting).rows, EXPERIMENTS["table7"](setting).rows
    chosen = {row.cells[0]: row.runs for row in table1 if row.cells[1] == "k-medoids"}
    assert list(chosen) == ["1", "5", "10", "20", "40"]
    assert chosen == {row.cells[0]: row.runs for row in table7 if row.cells[1] == "–"}
    restricted = set(setting.unpaired(200))
    assert all(set(run.pairs) <= restricted for runs in chosen.values() for run in runs)
    drawn = {name for row in table1 if row.cells[1] == "random" for run in row.runs for name in run.pairs}
    assert not drawn <= restricted


def test_default_seeds_are_the_papers() -> None:
    """The captions of tables 1 and 8 say 10 runs, those of tables 2 to 5 and 7 say 4."""
    assert {RUNS[f"table{number}"] for number in (1, 8)} == {(10, 10)}
    assert {RUNS[f"table{number}"] for number in (2, 3, 4, 5, 7)} == {(4, 4)}


def test_pairs_are_among_the_unpaired_and_nested_seeds_share_them(data: Dataset) -> None:
    """k-medoids picks the pairs among the unpaired photos, the same pairs for every seed; random draws
    differ.
    """
    setting = setting_of(data, seeds=2, draws=2)
    unpaired = setting.unpaired(20)
    first, second = setting.runs("hybrid", pairs=setting.medoids(5, unpaired), unpaired=unpaired)
    assert set(first.pairs) < set(first.photos) == set(unpaired)
    assert first.pairs == second.pairs
    assert first.label_maps != second.label_maps
    assert sorted(first.label_maps) == sorted(unpaired)
    one, other = setting.random_runs("pix2pix", 5, unpaired)
    assert set(one.pairs) != set(other.pairs)


def test_label_maps_of_another_source_replace_the_own_ones(data: Dataset, tmp_path: Path) -> None:
    """The manifest names the other source's files, and no label map of an unpaired photo (§4.1.8)."""
    other = write_dataset(tmp_path / "other", train=45, val=1)
    setting = setting_of(data, sources={"near": LabelSource("near", other.directory)})
    run = setting.run("hybrid", pairs=("000",), unpaired=setting.unpaired(20), labels_from="near")
    manifest = run.prepare(tmp_path / "work").manifest()
    assert len(manifest.files.unpaired_label_maps) == 20
    assert {path.parent for path in manifest.files.unpaired_label_maps} == {
        tmp_path / "other" / "train" / "labels"
    }


VARIATIONS: dict[str, Callable[[Run], Run]] = {
    "seed": lambda run: replace(run, spec=replace(run.spec, seed=7)),
    "option": lambda run: replace(run, spec=replace(run.spec, lambda_cycle=0.0)),
    "pairs": lambda run: replace(run, pairs=run.pairs[::-1]),
    "photos": lambda run: replace(run, photos=run.photos[1:]),
    "label maps": lambda run: replace(run, label_maps=run.label_maps[1:]),
}


@pytest.mark.parametrize("what", VARIATIONS)
def test_the_key_depends_on_what_the_result_depends_on(what: str, data: Dataset) -> None:
    """Another seed, option or sample makes another run; equal arguments make the same run."""

    def run() -> Run:
        return setting_of(data).run("hybrid", pairs=("000", "001"), unpaired=("002", "003", "004"))

    assert run().key == run().key
    assert VARIATIONS[what](run()).key != run().key


def test_the_key_depends_on_the_data_and_the_training_version(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One other byte in a label map, or another version of the method, makes other runs."""
    before = setting_of(data).run("pix2pix", pairs=("000",)).key
    facts = METHODS["pix2pix"]
    monkeypatch.setitem(METHODS, "pix2pix", replace(facts, version=facts.version + 1))
    assert setting_of(data).run("pix2pix", pairs=("000",)).key != before
    monkeypatch.undo()
    label_map = data.label_map("val", "000")
    label_map.write_bytes(label_map.read_bytes() + b"\0")
    assert setting_of(Dataset(data.directory)).run("pix2pix", pairs=("000",)).key != before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "val" / "labels" / "000.png").unlink(), "no label map of 000"),
        (lambda folder: (folder / "train" / "images").rename(folder / "photos"), "has no train/images"),
    ],
)
def test_a_folder_that_is_no_data_set_is_refused(
    spoil: Callable[[Path], object], message: str, data: Dataset
) -> None:
    """The error says what is missing."""
    spoil(data.directory)
    with pytest.raises(ValueError, match=message):
        Dataset(data.directory)


@pytest.mark.parametrize(("order", "refused"), [((0, 1, 2), False), ((1, 0, 2), True)])
def test_a_palette_that_says_otherwise_is_refused(
    order: tuple[int, ...], refused: bool, data: Dataset
) -> None:
    """A label map whose palette has class colours in another order than the class table is not read by its
    numbers: the experiment says so at once. In the same order it is read.
    """
    path = data.label_map("val", "000")
    image = Image.open(path)
    image.putpalette([channel for index in order for channel in TABLE.colors[index]])
    image.save(path)
    with pytest.raises(ValueError, match=r"000\.png is a palette image") if refused else nullcontext():
        Dataset(data.directory)


def test_an_experiment_runs_once_and_a_failed_run_stops_no_other(tmp_path: Path) -> None:
    """Several trainings run at a time and are scored on val, even if one fails; called again, none is
    repeated.
    """
    data = write_dataset(tmp_path / "data", train=6, val=2)
    setting = setting_of(data)
    good = setting.run("hybrid", pairs=("000",), unpaired=("001", "002"))
    bad = setting.run("pix2pix", pairs=())
    scorer = setting.run("pix2pix", pairs=("000", "001"))
    experiment = Experiment(
        "A table", ("row",), (Row(("good",), (good,)), Row(("bad",), (bad,))), "labels_to_photos", scorer
    )
    seen: list[Progress] = []
    failed = execute(experiment, tmp_path / "work", parallel=2, on_progress=seen.append)
    assert list(failed) == [bad.key]
    assert "pix2pix needs at least one pair" in failed[bad.key]
    scores = list((tmp_path / "work" / "runs").glob("*/scores-*.json"))
    assert len(scores) == 2
    for path in scores:
        document = json.loads(path.read_text())
        assert 0 <= document["mean_iou"] <= 1
        assert [image["name"] for image in document["per_image"]] == ["000", "001"]
    assert (seen[-1].runs_done, seen[-1].runs, seen[-1].steps_done) == (2, 3, 4)

    before = {
        path: os.stat(path).st_mtime_ns for path in (tmp_path / "work").rglob("*") if path.suffix != ".txt"
    }
    assert list(execute(experiment, tmp_path / "work", parallel=2)) == [bad.key]
    after = {path: os.stat(path).st_mtime_ns for path in before}
    untouched = [path for path in before if bad.key not in str(path)]
    assert [after[path] for path in untouched] == [before[path] for path in untouched]


def test_scoring_again_keeps_what_the_training_cost(data: Dataset, tmp_path: Path) -> None:
    """When scores are made anew, because the protocol changed, the processor time of the training is still
    the one that was measured when it ran.
    """
    run = setting_of(data).run("pix2pix", pairs=("000",)).prepare(tmp_path / "work")
    train_and_score(run, data, "photos_to_labels", None, "cpu")
    cost = json.loads(cost_path(run).read_text())
    assert cost["core_seconds"] > 0
    scores_path(run, "photos_to_labels", None).unlink()
    train_and_score(run, data, "photos_to_labels", None, "cpu")
    assert scores_path(run, "photos_to_labels", None).exists()
    assert json.loads(cost_path(run).read_text()) == cost


def test_a_run_goes_on_after_its_data_has_moved(data: Dataset, tmp_path: Path) -> None:
    """The key does not depend on where the files are; an unfinished run reads them where they are now."""
    before = setting_of(data).run("pix2pix", pairs=("000",))
    before.prepare(tmp_path / "work")
    moved = Dataset(data.directory.rename(tmp_path / "elsewhere"))
    now = setting_of(moved).run("pix2pix", pairs=("000",))
    assert now.key == before.key
    [(photo, _)] = now.prepare(tmp_path / "work").manifest().files.pairs
    assert photo.exists()


def test_a_scorer_that_fails_stops_what_needs_it(data: Dataset, tmp_path: Path) -> None:
    """Nothing is trained that could not be scored; the reason given is the scorer's."""
    setting = setting_of(data)
    good, scorer = setting.run("pix2pix", pairs=("000",)), setting.run("pix2pix", pairs=())
    experiment = Experiment("A table", ("row",), (Row(("good",), (good,)),), "labels_to_photos", scorer)
    failed = execute(experiment, tmp_path / "work", parallel=1)
    assert "pix2pix needs at least one pair" in failed[scorer.key]
    assert failed[good.key].startswith("its scorer failed: ")
    assert not (tmp_path / "work" / "runs" / good.key).exists()


def test_labels_to_photos_needs_classes(tmp_path: Path) -> None:
    """A data set of images without classes is refused before anything is trained."""
    with pytest.raises(ValueError, match=r"no classes\.json"):
        EXPERIMENTS["table9"](setting_of(write_dataset(tmp_path / "data", train=3, val=1, rgb=True)))


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_no_training_outlives_its_experiment(data: Dataset, tmp_path: Path, end: signal.Signals) -> None:
    """However an experiment's process ends, its training ends too and frees the run directory."""
    run = setting_of(data, steps=100_000).run("pix2pix", pairs=("000",))
    directory = run.prepare(tmp_path / "work")
    code = (
        "import sys; from pathlib import Path; from tests.models.test_experiments import *; "
        "data = Dataset(Path(sys.argv[1])); setting = setting_of(data, steps=100_000); "
        "run = setting.run('pix2pix', pairs=('000',)); "
        "execute(Experiment('A table', ('row',), (Row(('one',), (run,)),)), Path(sys.argv[2]), parallel=1)"
    )
    command = [sys.executable, "-c", code, str(data.directory), str(tmp_path / "work")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as experiment:
        wait_until(lambda: len(directory.read_metrics()) > 0)
        experiment.send_signal(end)
    wait_until(lambda: lock_is_free(directory))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def lock_is_free(directory: RunDirectory) -> bool:
    try:
        with directory.locked():
            return True
    except RunInUse:
        return False


def test_embeddings_are_kept(data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time, the kept embeddings are loaded and no encoder."""
    first, patches = train_features(data, "efficientnet_lite0", tmp_path / "work")
    monkeypatch.setattr(
        "models.experiments.setting.load_encoder", lambda *args, **options: pytest.fail("again")
    )
    again, again_patches = train_features(data, "efficientnet_lite0", tmp_path / "work")
    assert np.array_equal(again, first)
    assert patches is not None
    assert again_patches is not None
    assert np.array_equal(again_patches, patches)
    assert (first.shape, patches.shape[0]) == ((45, 1280), 45)

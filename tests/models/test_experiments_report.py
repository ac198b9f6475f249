"""The report of an experiment, from run directories written by hand."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from models.experiments.dataset import Dataset
from models.experiments.experiment import Experiment, Row
from models.experiments.learning_curves import LINES, learning_curves
from models.experiments.report import SHEET_COLUMNS, Report, write_report
from models.experiments.results import evenly, label_of, read_results
from models.experiments.run import Run
from models.experiments.scoring import cost_path, scores_path
from models.experiments.setting import Setting
from models.images.sheet import GAP, MARGIN
from models.training.networks import Generator, initialise
from models.training.run_directory import RunDirectory
from models.translation.artifacts import ModelSpec, save_model
from tests.models.runs import TABLE, scene, small_spec

STEPS = 20
MEAN_IOUS = [0.21, 0.26, 0.19]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three train and two val scenes with classes."""
    return write_data(tmp_path_factory.mktemp("data") / "blocks", rgb=False)


@pytest.fixture(scope="module")
def rgb_data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The same scenes with coloured label maps, and without classes."""
    return write_data(tmp_path_factory.mktemp("data") / "maps", rgb=True)


def write_data(directory: Path, rgb: bool) -> Dataset:
    for split, count in (("train", 3), ("val", 2)):
        for kind in ("images", "labels"):
            (directory / split / kind).mkdir(parents=True)
        for index in range(count):
            photo, label_map = scene(index)
            target = TABLE.encode(label_map) if rgb else label_map
            Image.fromarray(photo).save(directory / split / "images" / f"{index}.png")
            Image.fromarray(target).save(directory / split / "labels" / f"{index}.png")
    if not rgb:
        (directory / "classes.json").write_text(json.dumps(TABLE.to_json()))
    return Dataset(directory)


def setting_of(data: Dataset) -> Setting:
    return Setting(data, np.zeros((3, 2), np.float32), encoder="efficientnet_lite0", steps=STEPS, seeds=3)


def runs(data: Dataset, method: str, count: int = 3, pairs: int = 1) -> tuple[Run, ...]:
    names = data.train[:pairs]
    return tuple(Run(data, small_spec(method, seed=seed, total_steps=STEPS), names) for seed in range(count))


def class_scores(mean_iou: float) -> dict[str, Any]:
    return {"pixel_accuracy": mean_iou + 0.4, "mean_accuracy": mean_iou + 0.1, "mean_iou": mean_iou}


def rgb_scores(within: float) -> dict[str, Any]:
    return {
        "within": {"5": within - 0.3, "10": within - 0.2, "16": within - 0.1, "20": within},
        "mean_absolute_error": 30 * (1 - within),
        "constant": {"5": 0.11, "10": 0.22, "16": 0.33, "20": 0.44},
        "constant_color": {"5": [1, 2, 3], "10": [1, 2, 3], "16": [1, 2, 3], "20": [1, 2, 3]},
    }


def finish(
    run: Run,
    work: Path,
    scores: dict[str, Any],
    *,
    direction: str = "photos_to_labels",
    by: Run | None = None,
) -> RunDirectory:
    """Write the files of a finished run, with these scores at the end and half of them half-way."""
    directory = run.prepare(work)
    lines = [
        {"step": 5, "steps_per_second": 2.0, "peak_memory_bytes": 1000},
        {"step": 10, "steps_per_second": 5.0, "peak_memory_bytes": 3000, "validation": scores},
        {"step": 20, "steps_per_second": 4.0, "peak_memory_bytes": 2000, "validation": scores},
    ]
    directory.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    directory.model.mkdir()
    network = Generator(2, 2)
    initialise(network, torch.Generator().manual_seed(run.spec.seed))
    translators = {"photo_to_label": network, "label_to_photo": network}
    save_model(directory.model, translators, ModelSpec(run.spec, run.data.class_table))
    directory.result.write_text(
        json.dumps({"steps": STEPS, "notes": {"imagenet_weights": False, "temperature": 1.5}})
    )
    scorer = RunDirectory(work / "runs" / by.key) if by else None
    per_image = [{"name": "0", "mean_iou": 0.123456789}]
    cost_path(directory).write_text(json.dumps({"core_seconds": 30 * (run.spec.seed + 1)}))
    more = {"per_class": [{"name": "sky"}], "per_image": per_image, "machine": MACHINE}
    scores_path(directory, direction, scorer).write_text(json.dumps(scores | more))
    return directory


MACHINE = {
    **{"processor": "abacus", "cores": 64, "device": "H900", "threads": 3},
    **{"torch": "9.0", "python": "3.11.7"},
}


def report_of(
    experiment: Experiment, data: Dataset, work: Path, failed: dict[str, str] | None = None
) -> Report:
    return write_report(
        "table", experiment, setting_of(data), work, work / "out", failed or {}, "fewpairs experiment table"
    )


def written(work: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((work / "out" / "table.json").read_text())
    return value


def table(text: str) -> list[dict[str, str]]:
    """The rows of the only table in a Markdown text, as cells by heading."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    assert len(set(head)) == len(head)
    return [dict(zip(head, row, strict=True)) for row in rows]


def strings(value: Any) -> Iterator[str]:
    """All strings in a JSON value, keys included."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from (key, *strings(entry))
    elif isinstance(value, list):
        for entry in value:
            yield from strings(entry)
    elif isinstance(value, str):
        yield value


def experiment_of(*rows: Row, **more: Any) -> Experiment:
    return Experiment("Table 0: blocks", ("paired", "method"), rows, **more)


def test_rows_show_mean_and_standard_deviation(data: Dataset, tmp_path: Path) -> None:
    """They equal those of the statistics module over the row's runs, exact in JSON and rounded in Markdown.
    The paper's numbers stand next to them, under headings that name its data set.
    """
    row = Row(("1", "hybrid"), runs(data, "hybrid"), (0.768, 0.291, 0.237))
    for run, mean_iou in zip(row.runs, MEAN_IOUS, strict=True):
        finish(run, tmp_path, class_scores(mean_iou))
    report = report_of(experiment_of(row), data, tmp_path)
    mean, sd = statistics.mean(MEAN_IOUS), statistics.stdev(MEAN_IOUS)
    (told,) = written(tmp_path)["rows"]
    assert told["scores"]["mean_iou"] == pytest.approx({"mean": mean, "sd": sd, "n": 3})
    assert [run["scores"]["mean_iou"] for run in told["runs"]] == MEAN_IOUS
    assert [run["seed"] for run in told["runs"]] == [0, 1, 2]
    (shown,) = table(report.markdown)
    assert shown["mean IoU"] == f"{mean:.3f} ± {sd:.3f}"
    assert shown["pixel accuracy"] == f"{mean + 0.4:.3f} ± {sd:.3f}"
    assert shown["mean accuracy"] == f"{mean + 0.1:.3f} ± {sd:.3f}"
    assert (shown["paired"], shown["method"], shown["n"]) == ("1", "hybrid", "3")
    assert shown["mean IoU, paper (Cityscapes)"] == "0.237"
    assert shown["pixel accuracy, paper (Cityscapes)"] == "0.768"
    assert (tmp_path / "out" / "table.md").read_text() == report.markdown
    assert "fewpairs experiment table\n" in report.markdown


def test_runs_that_are_not_finished_are_missing(data: Dataset, tmp_path: Path) -> None:
    """A row with one finished run of three has its scores without a deviation; one with none has dashes."""
    half, none, absent = (Row(("1", m), runs(data, m)) for m in ("hybrid", "pix2pix", "cyclegan"))
    finish(half.runs[1], tmp_path, class_scores(0.25))
    half.runs[0].prepare(tmp_path).metrics.write_text('{"step": 5, "steps_per_s')
    started = finish(none.runs[0], tmp_path, class_scores(0.5))
    scores_path(started, "photos_to_labels", None).unlink()
    report = report_of(experiment_of(half, none, absent), data, tmp_path)
    first, *others = table(report.markdown)
    assert (first["mean IoU"], first["n"]) == ("0.250", "1 of 3")
    for shown in others:
        assert [shown["pixel accuracy"], shown["mean IoU"], shown["n"]] == ["–", "–", "0 of 3"]
    assert written(tmp_path)["rows"][0]["scores"]["mean_iou"] == {"mean": 0.25, "sd": None, "n": 1}
    assert [row["runs"] for row in written(tmp_path)["rows"][1:]] == [[], []]
    assert not any("paper" in heading for heading in first)


def test_without_finished_runs_there_are_no_pictures(data: Dataset, tmp_path: Path) -> None:
    """Without finished runs, table and JSON are still written, and pictures of an earlier report
    are deleted.
    """
    row = Row(("1", "hybrid"), runs(data, "hybrid"))
    finished = finish(row.runs[0], tmp_path, class_scores(0.2))
    assert len(report_of(experiment_of(row), data, tmp_path).files) == 4
    scores_path(finished, "photos_to_labels", None).unlink()
    report = report_of(experiment_of(row), data, tmp_path)
    assert [path.name for path in report.files] == ["table.json", "table.md"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"table.json", "table.md"}
    assert "png" not in report.markdown


def test_failed_runs_are_listed_without_folders(data: Dataset, tmp_path: Path) -> None:
    """Every reason is shown; neither JSON nor Markdown holds a path of the machine or scores of single
    images.
    """
    row = Row(("1", "hybrid"), runs(data, "hybrid"))
    finish(row.runs[0], tmp_path, class_scores(0.2))
    failed = {row.runs[1].key: f"ValueError: {tmp_path}/photo 7.png cannot be read", "other": "step 3: NaN"}
    report = report_of(experiment_of(row), data, tmp_path, failed)
    assert written(tmp_path)["failed"] == {
        row.runs[1].key: "ValueError: photo 7.png cannot be read",
        "other": "step 3: NaN",
    }
    assert f"- `{row.runs[1].key}`: ValueError: photo 7.png cannot be read\n- `other`: step 3: NaN" in (
        report.markdown
    )
    text = (tmp_path / "out" / "table.json").read_text()
    assert str(tmp_path) not in text + report.markdown
    assert not any(string.startswith("/") for string in strings(json.loads(text)))
    assert "0.123456789" not in text


def test_the_setting_is_told(data: Dataset, tmp_path: Path) -> None:
    """JSON and Markdown say which data, scale, steps, seeds, draws, encoder and machine; notes are listed."""
    row = Row(("1", "hybrid"), runs(data, "hybrid"))
    finish(row.runs[0], tmp_path, class_scores(0.2))
    report = report_of(experiment_of(row), data, tmp_path)
    told = written(tmp_path)
    assert told["data"] == {"name": "blocks", "digest": data.digest, "train": 3, "val": 2}
    assert (told["scale"], told["steps"], told["seeds"], told["draws"]) == ("tiny", [STEPS], 3, 10)
    assert told["encoder"] == "efficientnet_lite0"
    assert told["machines"] == [MACHINE]
    for words in (
        "blocks (3 train and 2 val photos)",
        "20 steps",
        "seeds: 3",
        "torch 9",
        "64 cores of abacus",
        "device H900, 3 threads",
    ):
        assert words in report.markdown
    assert "- hybrid: imagenet weights false" in report.markdown
    assert "temperature" not in report.markdown


def test_curves_count_the_seconds_of_training(data: Dataset, tmp_path: Path) -> None:
    """At the median speed of 4 steps a second, 20 steps are 5 seconds; speed and peak memory are in
    the JSON.
    """
    row = Row(("1", "hybrid"), runs(data, "hybrid"))
    for run, mean_iou in zip(row.runs, MEAN_IOUS, strict=True):
        finish(run, tmp_path, class_scores(mean_iou))
    report_of(experiment_of(row), data, tmp_path)
    first = written(tmp_path)["rows"][0]["runs"][0]
    assert [(point["step"], point["seconds"]) for point in first["curve"]] == [(10, 2.5), (20, 5.0)]
    assert first["curve"][0]["mean_iou"] == MEAN_IOUS[0]
    assert (first["steps_per_second"], first["peak_memory_bytes"]) == (4.0, 3000)
    assert first["core_minutes"] == 0.5
    (result,) = read_results(experiment_of(row), tmp_path).rows
    assert result.core_minutes == 1.0
    assert result.curve[1].score.mean == pytest.approx(statistics.mean(MEAN_IOUS))
    assert result.curve[1].score.sd == pytest.approx(statistics.stdev(MEAN_IOUS))


def test_probabilities_are_judged_where_there_are_some(data: Dataset, tmp_path: Path) -> None:
    """Columns for calibration appear if a row has these scores; other rows show none."""
    with_them, without = (
        Row(("1", "pix2pix"), runs(data, "pix2pix", 1)),
        Row(("1", "hybrid"), runs(data, "hybrid", 1)),
    )
    judged = {"expected_calibration_error": 0.012, "errors_in_least_sure": 0.7}
    finish(with_them.runs[0], tmp_path, class_scores(0.2) | judged)
    finish(without.runs[0], tmp_path, class_scores(0.2))
    first, second = table(report_of(experiment_of(with_them, without), data, tmp_path).markdown)
    columns = ("calibration error", "errors in the least sure fifth")
    assert [first[column] for column in columns] == ["0.012", "0.700"]
    assert [second[column] for column in columns] == ["–", "–"]
    assert "calibration" not in report_of(experiment_of(without), data, tmp_path).markdown


def test_unequal_steps_count_what_they_took(data: Dataset, tmp_path: Path) -> None:
    """Later steps of the probe take less time: 5 steps at 2 a second, 5 at 5 and 10 at 4 are 6 seconds."""
    (run,) = runs(data, "probe", 1)
    finish(run, tmp_path, class_scores(0.2))
    (result,) = read_results(experiment_of(Row(("1", "probe"), (run,))), tmp_path).rows
    assert [(point.step, point.seconds) for point in result.curve] == [(10, 3.5), (20, 6.0)]


def test_without_a_run_to_show_there_are_no_pictures(data: Dataset, tmp_path: Path) -> None:
    """If only rows are finished that the pictures leave out, the report is written without pictures."""
    finished, shown = (
        Row(("1", "hybrid"), runs(data, "hybrid")),
        Row(("2", "hybrid"), runs(data, "hybrid", 1, 2)),
    )
    finish(finished.runs[0], tmp_path, class_scores(0.2))
    experiment = replace(experiment_of(finished, shown), pictured=(shown,))
    assert [path.name for path in report_of(experiment, data, tmp_path).files] == ["table.json", "table.md"]


def test_images_without_classes_have_tolerances_and_their_baselines(
    rgb_data: Dataset, tmp_path: Path
) -> None:
    """Next to every share within a tolerance stands the score of the best constant colour."""
    row = Row(("1", "hybrid"), runs(rgb_data, "hybrid", 2), (0.405,))
    for run, within in zip(row.runs, (0.5, 0.6), strict=True):
        finish(run, tmp_path, rgb_scores(within))
    report = report_of(experiment_of(row), rgb_data, tmp_path)
    (shown,) = table(report.markdown)
    sd = statistics.stdev([0.5, 0.6])
    for tolerance, within, constant in (
        (20, 0.55, 0.44),
        (16, 0.45, 0.33),
        (10, 0.35, 0.22),
        (5, 0.25, 0.11),
    ):
        assert shown[f"within {tolerance}"] == f"{within:.3f} ± {sd:.3f}"
        assert shown[f"constant, within {tolerance}"] == f"{constant:.3f}"
    assert shown["mean absolute error"] == f"13.50 ± {30 * sd:.2f}"
    assert shown["within 20, paper (Maps, 256²)"] == "0.405"
    assert "mean IoU" not in shown
    assert len(report.files) == 4


def test_generated_photos_name_their_scorer(data: Dataset, tmp_path: Path) -> None:
    """Scores of labels → photos are measured by the experiment's scorer, which is shown with its
    own score.
    """
    (scorer,) = runs(data, "hybrid", 1, pairs=3)
    row = Row(("1", "hybrid"), runs(data, "hybrid", 1))
    finish(scorer, tmp_path, class_scores(0.61))
    finish(row.runs[0], tmp_path, class_scores(0.3), direction="labels_to_photos", by=scorer)
    experiment = experiment_of(row, direction="labels_to_photos", scorer=scorer)
    report = report_of(experiment, data, tmp_path)
    assert table(report.markdown)[0]["mean IoU"] == "0.300"
    assert written(tmp_path)["scorer"]["key"] == scorer.key
    assert "trained on 3 pairs" in report.markdown
    assert "0.610" in report.markdown


def test_pictures_show_every_row(data: Dataset, tmp_path: Path) -> None:
    """Both pictures open; the sheet has a column for every finished row, at most SHEET_COLUMNS."""
    rows = [Row((str(i), "hybrid"), runs(data, "hybrid", i + 1)[i:]) for i in range(SHEET_COLUMNS + 2)]
    for row in rows:
        finish(row.runs[0], tmp_path, class_scores(0.2))
    widths = {}
    for count in (1, 2, len(rows)):
        report_of(experiment_of(*rows[:count]), data, tmp_path)
        for picture in ("curves", "sheet"):
            with Image.open(tmp_path / "out" / f"table-{picture}.png") as image:
                pixels = np.asarray(image.convert("RGB"))
            assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
            widths[picture, count] = pixels.shape[1]
    cell = widths["sheet", 2] - widths["sheet", 1]
    assert widths["sheet", 1] == 2 * MARGIN + 3 * cell - GAP
    columns = SHEET_COLUMNS + 2
    assert (widths["sheet", len(rows)] - 2 * MARGIN + GAP) % columns == 0


def test_curves_are_lines_over_steps_and_over_time(data: Dataset, tmp_path: Path) -> None:
    """Each row is a line at the mean of its runs, with a band of one deviation; at most LINES are drawn."""
    row = Row(("1", "hybrid"), runs(data, "hybrid"))
    for run, mean_iou in zip(row.runs, MEAN_IOUS, strict=True):
        finish(run, tmp_path, class_scores(mean_iou))
    results = read_results(experiment_of(row), tmp_path)
    left, right = learning_curves("t", ("paired", "method"), list(results.rows), "mean IoU").axes
    mean, sd = statistics.mean(MEAN_IOUS), statistics.stdev(MEAN_IOUS)
    assert np.allclose(np.asarray(left.lines[0].get_xydata()), [(10, mean), (20, mean)])
    assert np.allclose(np.asarray(right.lines[0].get_xydata()), [(2.5, mean), (5.0, mean)])
    band = left.collections[0].get_paths()[0].vertices
    assert np.isclose([band[:, 1].min(), band[:, 1].max()], [mean - sd, mean + sd]).all()
    many = learning_curves("t", ("paired", "method"), list(results.rows) * 20, "mean IoU").axes[0]
    assert len(many.lines) == LINES


def test_rows_of_a_plot_look_different(data: Dataset, tmp_path: Path) -> None:
    """No two rows share both colour and style, whether their cells form groups or not; a method has one
    colour.
    """
    run = runs(data, "hybrid", 1)[0]
    finish(run, tmp_path, class_scores(0.2))
    grouped = [(str(pairs), method) for method in ("hybrid", "pix2pix") for pairs in (1, 5, 20)]
    single = [(str(pairs), "hybrid") for pairs in range(LINES)]
    for cells in (grouped, single):
        rows = read_results(experiment_of(*(Row(c, (run,)) for c in cells)), tmp_path).rows
        lines = learning_curves("t", ("paired", "method"), list(rows), "mean IoU").axes[0].lines
        assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(cells)
        if cells == grouped:
            assert len({line.get_color() for line in lines[:3]}) == 1
            assert len({line.get_color() for line in lines}) == 2


def test_rows_are_chosen_evenly() -> None:
    """The first and the last item are always kept; a list that is short enough is returned unchanged."""
    assert evenly(range(14), 7) == [0, 2, 4, 6, 9, 11, 13]
    assert evenly("abc", 7) == ["a", "b", "c"]


def test_cells_are_put_in_words() -> None:
    """Numbers get their column's name, other cells do not, and dashes are left out."""
    columns = ("unpaired", "paired", "method")
    assert label_of(columns, ("200", "20unbal", "hybrid")) == "200 unpaired, 20unbal paired, hybrid"
    assert label_of(columns, ("–", "200", "pix2pix")) == "200 paired, pix2pix"

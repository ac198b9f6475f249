"""Every measured figure stands on one page, as its benchmark or experiment wrote it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from models.measured import CURVES
from tests.faults.storm import Seed, summary
from tests.pages import PAGES, ROOT, anchor, page, sections, table_rows

RESULTS = ROOT / "benchmarks/results"
EXPERIMENTS = sorted((RESULTS / "experiments").glob("*.json"))
STRATEGIES = sorted((RESULTS / "strategies").glob("*.json"))
FIGURE = re.compile(r"(?<![\w.,])\d[\d.,]*(?: ± [\d.]+)?(?<=\d)(?!\w)")


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def spread(score: dict[str, Any], name: str = "") -> str:
    digits = 2 if name == "mean_absolute_error" else 3
    mean = f"{score['mean']:.{digits}f}"
    return (
        mean if score["sd"] is None or name.startswith("constant") else f"{mean} ± {score['sd']:.{digits}f}"
    )


def test_readme_repeats_its_sources() -> None:
    """Every figure in the README's table of results stands in the section that the row links to."""
    rows = [row for row in table_rows(sections(page("README.md"))["results"]) if "](" in row[-1]]
    assert len(rows) >= 5
    for *_, result, link in rows:
        source, anchor = re.findall(r"\]\((.+)#(.+)\)", link)[0]
        figures = FIGURE.findall(result)
        assert figures
        assert set(figures) <= set(FIGURE.findall(sections(page(source))[anchor])), link


def test_readme_has_figures_in_its_table_only() -> None:
    """The README's running text holds no measured figure."""
    text = page("README.md").split("## Results")[0]
    assert [figure for figure in FIGURE.findall(text) if "." in figure.replace("127.0.0.1", "")] == ["3.11"]


def test_each_spread_stands_on_one_page() -> None:
    """No mean ± deviation stands on two pages; only the README repeats figures of others. Differences, small
    numbers with a sign, may coincide.
    """
    owners: dict[str, set[str]] = {}
    for name in PAGES:
        if name != "README.md":
            for figure in re.findall(r"(?<![+-])0\.\d{3} ± 0\.\d{3}", page(name)):
                owners.setdefault(figure, set()).add(name)
    assert owners
    assert {figure: names for figure, names in owners.items() if len(names) > 1} == {}


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_tables_of_experiments(path: Path) -> None:
    """Every row of an experiment's table has the scores and the number of runs of the JSON."""
    report = read(path)
    owner = "docs/results.md" if path.stem in ("comparison", "generators") else "docs/reproduce.md"
    section = sections(page(owner))[anchor(report["title"])]
    table = {tuple(row[: len(report["columns"])]): row for row in table_rows(section)}
    for row in report["rows"]:
        finished = len(row["runs"])
        count = str(finished) if finished == row["planned"] else f"{finished} of {row['planned']}"
        expected = {spread(score, name) for name, score in row["scores"].items()} | {count}
        assert expected <= set(table[tuple(row["cells"])]), row["cells"]


def test_numbers_of_the_advice() -> None:
    """docs/method.md shows the numbers that the advice follows, as models/measured.py has them."""
    rows = list(table_rows(sections(page("docs/method.md"))["what-the-advice-follows"]))
    pairs = [int(heading.split()[0]) for heading in rows[0][1:]]
    table = {row[0].strip("`"): dict(zip(pairs, row[1:], strict=True)) for row in rows[2:]}
    assert table == {
        method: {
            count: f"{curve[count].mean_iou:.3f}, {curve[count].minutes:.1f} min" if count in curve else "–"
            for count in pairs
        }
        for method, curve in CURVES.items()
    }
    assert {count for curve in CURVES.values() for count in curve} == set(pairs)


def test_the_advice_follows_the_experiments() -> None:
    """The advice's mean IoU and minutes are those of the comparison's JSON."""
    rows = {tuple(row["cells"]): row for row in read(RESULTS / "experiments/comparison.json")["rows"]}
    for method, curve in CURVES.items():
        for pairs, point in curve.items():
            row = rows[method, str(pairs or "–")]
            assert point.mean_iou == round(row["scores"]["mean_iou"]["mean"], 3)
            minutes = [run["core_minutes"] for run in row["runs"] if run["core_minutes"] is not None]
            assert point.minutes == pytest.approx(median(minutes) / 2, abs=0.051)


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.stem)
def test_tables_of_strategies(path: Path) -> None:
    """docs/results.md has every mean of the experiment's JSON, and every difference to random draws."""
    report = read(path)
    section = sections(page("docs/results.md"))[anchor(f"Strategies on {report['data']['name']}")]
    for row in report["rows"]:
        mean, difference = row["mean"], row["difference"]
        assert f"{mean['mean']:.3f} ± {mean['half']:.3f}" in section
        if difference:
            assert f"{difference['mean']:+.3f} ± {difference['half']:.3f}" in section


def measured() -> Iterator[tuple[str, str, str]]:
    """Page, section and text of what the benchmarks wrote."""
    for row in read(RESULTS / "second_round.json")["rows"]:
        yield "results", "a-second-round-by-doubt", f"{row['difference']:+.3f} ± {row['half']:.3f}"
    for name in ("select_over_http", "select_over_http_tests"):
        report = read(RESULTS / f"{name}.json")
        yield "reproduce", "over-http", f"{report['cold']:.2f} s"
        for value in (report["first"]["median"], report["first"]["p99"]):
            yield "reproduce", "over-http", f"{value:.2f} s"
        for value in (report["repeat"]["median"], report["repeat"]["p99"]):
            yield "reproduce", "over-http", f"{value * 1000:.1f} ms"
    for row in read(RESULTS / "embedding_cpu.json")["rows"]:
        if row["what"] in ("embed job", "encoder as loaded", "plain loop"):
            yield "reproduce", "the-speed-of-embedding", f"{row['photos_per_second']:.1f}/s"
    for name in ("training_step_cpu_64", "training_step_cpu_256"):
        for row in read(RESULTS / f"{name}.json")["rows"]:
            yield "reproduce", "the-speed-of-a-training-step", f"{row['ratio']:.2f}"
    speed = read(RESULTS / "selection_speed.json")
    yield "selection", "speed", f"{speed['ratio']:.1f} times"
    for values in speed["seconds"].values():
        yield "selection", "speed", f"| {median(values):.1f} |"
    for row in read(RESULTS / "selection_scale.json")["rows"]:
        yield (
            "selection",
            "scale",
            f"| {row['seconds']:.1f} | {row['peak_bytes'] / 2**30:.1f} GiB | {row['objective']:.4f} |",
        )
    for row in read(RESULTS / "hostile.json")["rows"]:
        figures = (row["seconds"], row["cpu_s"], row["growth_mb"], row["p99_ms"])
        yield "reliability", "hostile-files", f"| {row['case']} | {' | '.join(map(str, figures))} |"
    quality = read(RESULTS / "selection_quality.json")
    for row in quality["rounds"]:
        for value in row["objectives"]:
            yield "selection", "a-further-round", f"{value:.4g}"


@pytest.mark.parametrize(("name", "section", "text"), sorted(set(measured())))
def test_figures_of_benchmarks(name: str, section: str, text: str) -> None:
    """The page that owns a benchmark shows the figures of its JSON."""
    assert text in sections(page(f"docs/{name}.md"))[section]


def test_the_storm() -> None:
    """The page's table is the summary of the storm's results."""
    seeds = [Seed(**one) for one in read(RESULTS / "storm.json")]
    rows = table_rows(sections(page("docs/reliability.md"))["kills-stops-and-a-full-disk"])
    assert [tuple(row) for row in rows[2:]] == summary(seeds)
    assert all(one.is_clean for one in seeds)

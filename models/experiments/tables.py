"""The paper's tables as experiments: each function lists the runs behind every row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from models.catalog import LABELS_TO_PHOTOS, PHOTOS_TO_LABELS, STRATEGIES
from models.experiments import paper
from models.experiments.bench import Bench, Names
from models.experiments.run import Run

BUDGETS = (1, 5, 10, 20, 40)
PAIRS = 20
"""Pairs wherever the paper compares at one number of them."""

NEAR, FAR = "near", "far"
"""Sources of synthetic label maps that tables 3 and 7 compare: like and unlike the data set's own."""


@dataclass(frozen=True)
class Row:
    """A row of a table: its first cells, the runs whose mean it shows, and the paper's numbers, if any."""

    cells: tuple[str, ...]
    runs: tuple[Run, ...]
    paper: paper.Scores = ()


@dataclass(frozen=True)
class Experiment:
    """A table. `direction` says which translation of every run is scored, one of DIRECTIONS.

    `scorer` is the run whose model reads the generated photos, where the direction is labels_to_photos.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    direction: str = PHOTOS_TO_LABELS
    scorer: Run | None = None

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run once, those first that come first in their rows: one seed of all before the next."""
        ordered = [
            row.runs[i] for i in range(max(map(_count, self.rows))) for row in self.rows if i < _count(row)
        ]
        return tuple({run.key: run for run in ordered}.values())


def table1(bench: Bench) -> Experiment:
    """Pairs alone, k-medoids against random selection."""
    return Experiment("Table 1: photos → labels from pairs alone", *_selections(bench, paper.TABLE_1))


def table2(bench: Bench) -> Experiment:
    """Unpaired samples with a few pairs, and the baselines around them."""
    columns, rows = _few_pairs(bench, 200, paper.TABLE_2)
    return Experiment("Table 2: photos → labels from unpaired samples and a few pairs", columns, rows)


def table3(bench: Bench) -> Experiment:
    """20 pairs, and unpaired label maps of other sources."""
    return _sources(bench, "Table 3: unpaired label maps of other sources", [PAIRS])


def table4(bench: Bench) -> Experiment:
    """Satellite → map, 100 samples."""
    columns, rows = _few_pairs(bench, 100, paper.TABLE_4)
    return Experiment("Table 4: satellite → map from unpaired samples and a few pairs", columns, rows)


def table5(bench: Bench) -> Experiment:
    """Without the cycle loss, and without the identity loss."""
    unpaired = bench.unpaired(200)
    samples: dict[str, Any] = {"pairs": bench.medoids(PAIRS, unpaired), "unpaired": unpaired}
    without = {"full": {}, "w/o cycle": {"lambda_cycle": 0.0}, "w/o idt": {"lambda_identity": 0.0}}
    rows = tuple(
        Row((model,), bench.runs("hybrid", **samples, **options), paper.TABLE_5[model])
        for model, options in without.items()
    )
    return Experiment("Table 5: ablation", ("model",), rows)


def table6(bench: Bench) -> Experiment:
    """Against supervised segmentation from the pairs alone."""
    unpaired = bench.unpaired(200)
    pairs = bench.medoids(PAIRS, unpaired)
    rows = (
        Row(("FCN-8s", _n(pairs), "–"), bench.runs("fcn8s", pairs=pairs), paper.TABLE_6["fcn8s"]),
        Row(
            ("hybrid", _n(pairs), _n(unpaired)),
            bench.runs("hybrid", pairs=pairs, unpaired=unpaired),
            paper.TABLE_6["hybrid"],
        ),
    )
    return Experiment("Table 6: against supervised segmentation", ("method", "paired", "unpaired"), rows)


def table7(bench: Bench) -> Experiment:
    """Table 3 with other numbers of pairs."""
    return _sources(bench, "Table 7: unpaired label maps of other sources", BUDGETS)


def table8(bench: Bench) -> Experiment:
    """Table 1 for labels → photos."""
    return Experiment(
        "Table 8: labels → photos from pairs alone",
        *_selections(bench, paper.TABLE_8),
        direction=LABELS_TO_PHOTOS,
        scorer=_scorer(bench),
    )


def table9(bench: Bench) -> Experiment:
    """Table 2 for labels → photos."""
    columns, rows = _few_pairs(bench, 200, paper.TABLE_9)
    title = "Table 9: labels → photos from unpaired samples and a few pairs"
    return Experiment(title, columns, rows, LABELS_TO_PHOTOS, _scorer(bench))


def curves(bench: Bench) -> Experiment:
    """Learning curves of hybrid, pix2pix and cyclegan with 1, 5 and 20 pairs, and of joint steps."""
    unpaired = bench.unpaired(200)
    rows = [Row(("cyclegan", "–"), bench.runs("cyclegan", unpaired=unpaired))]
    for count in (1, 5, PAIRS):
        pairs = bench.medoids(count, unpaired)
        rows += [
            Row(("hybrid", _n(pairs)), bench.runs("hybrid", pairs=pairs, unpaired=unpaired)),
            Row(("pix2pix", _n(pairs)), bench.runs("pix2pix", pairs=pairs)),
        ]
    joint = bench.runs("hybrid", pairs=bench.medoids(PAIRS, unpaired), unpaired=unpaired, joint=True)
    return Experiment(
        "Learning curves", ("method", "paired"), (*rows, Row(("hybrid, joint", str(PAIRS)), joint))
    )


def precision(bench: Bench) -> Experiment:
    """Whether training in bfloat16 changes the scores."""
    unpaired = bench.unpaired(200)
    samples: dict[str, Any] = {"pairs": bench.medoids(PAIRS, unpaired), "unpaired": unpaired}
    rows = tuple(
        Row((name,), bench.runs("hybrid", **samples, precision=name)) for name in ("float32", "bfloat16")
    )
    return Experiment("Precision: hybrid in float32 and in bfloat16", ("precision",), rows)


def strategies(bench: Bench) -> Experiment:
    """Hybrid with 1, 5 and 10 pairs that each selection strategy picks, and with random ones."""
    everything, unpaired = bench.data.train, bench.unpaired(200)
    rows = []
    for count in (1, 5, 10):
        for strategy in STRATEGIES:
            if strategy == "random":
                runs = bench.random_runs("hybrid", count, everything, unpaired=unpaired)
            else:
                pairs = bench.selected(strategy, count, everything)
                runs = bench.runs("hybrid", pairs=pairs, unpaired=unpaired)
            rows.append(Row((str(count), strategy), runs))
    return Experiment(
        "Selection strategies: hybrid with the pairs they pick", ("paired", "selection"), tuple(rows)
    )


EXPERIMENTS: dict[str, Callable[[Bench], Experiment]] = {
    function.__name__: function
    for function in (
        table1,
        table2,
        table3,
        table4,
        table5,
        table6,
        table7,
        table8,
        table9,
        curves,
        precision,
        strategies,
    )
}


def _selections(
    bench: Bench, numbers: dict[tuple[int | None, str], paper.Scores]
) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """pix2pix on pairs chosen among all train photos."""
    everything = bench.data.train
    rows = []
    for count in [count for count in BUDGETS if count < len(everything)]:
        chosen = bench.runs("pix2pix", pairs=bench.medoids(count, everything))
        drawn = bench.random_runs("pix2pix", count, everything)
        rows += [
            Row((str(count), "random"), drawn, numbers[count, "random"]),
            Row((str(count), "k-medoids"), chosen, numbers[count, "k-medoids"]),
        ]
    everything_row = Row((_n(everything), "–"), bench.runs("pix2pix", pairs=everything), numbers[None, "–"])
    return ("samples", "selection"), (*rows, everything_row)


def _few_pairs(
    bench: Bench, count: int, numbers: dict[str, paper.Scores]
) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """The rows of tables 2, 4 and 9 that the paper has numbers for."""
    unpaired, everything = bench.unpaired(count), bench.data.train
    few, everyone = {"unpaired": unpaired}, {"unpaired": everything}

    def medoids(count: int) -> Names:
        return bench.medoids(count, unpaired)

    rows = {
        f"pix2pix {count}": (("–", _n(unpaired), "pix2pix"), bench.runs("pix2pix", pairs=unpaired)),
        f"cyclegan {count}": ((_n(unpaired), "–", "cyclegan"), bench.runs("cyclegan", **few)),
        "1rand": ((_n(unpaired), "1rand", "hybrid"), bench.random_runs("hybrid", 1, unpaired, **few)),
        **{
            str(k): (
                (_n(unpaired), _n(medoids(k)), "hybrid"),
                bench.runs("hybrid", pairs=medoids(k), **few),
            )
            for k in BUDGETS
        },
        f"{PAIRS}unbal": (
            (_n(unpaired), f"{PAIRS}unbal", "hybrid"),
            bench.runs("hybrid", pairs=medoids(PAIRS), balance=False, **few),
        ),
        **{
            f"tripathy {k}": (
                (_n(everything), str(min(k, len(everything))), "tripathy"),
                bench.runs("tripathy", pairs=bench.medoids(k, everything), **everyone),
            )
            for k in (30, 50, 70)
        },
        "cyclegan all": ((_n(everything), "–", "cyclegan"), bench.runs("cyclegan", **everyone)),
        "pix2pix all": (("–", _n(everything), "pix2pix"), bench.runs("pix2pix", pairs=everything)),
    }
    shown = tuple(Row(*rows[name], scores) for name, scores in numbers.items())
    return ("unpaired", "paired", "method"), shown


def _sources(bench: Bench, title: str, budgets: Iterable[int]) -> Experiment:
    missing = [name for name in (NEAR, FAR) if name not in bench.sources]
    if missing:
        options = " and ".join(f"--labels {name}=DIR" for name in missing)
        raise ValueError(f"this table compares label maps of other sources: add {options}")
    unpaired = bench.unpaired(200)
    rows = []
    for count in budgets:
        pairs, numbers = bench.medoids(count, unpaired), paper.TABLE_7[count]
        rows.append(Row((_n(pairs), "–"), bench.runs("pix2pix", pairs=pairs), numbers["–"]))
        for source in (FAR, NEAR, None):
            runs = bench.runs("hybrid", pairs=pairs, unpaired=unpaired, labels_from=source)
            name = source or "own"
            rows.append(Row((_n(pairs), f"{_n(unpaired)} {name}"), runs, numbers[name]))
    return Experiment(title, ("paired", "unpaired label maps"), tuple(rows))


def _scorer(bench: Bench) -> Run:
    """The paper scores with an FCN trained on all of Cityscapes: here an FCN-8s on all train pairs."""
    if bench.data.class_table is None:
        raise ValueError("labels → photos is scored by classes, and this data set has no classes.json")
    return bench.run("fcn8s", pairs=bench.data.train)


def _n(names: Names) -> str:
    return str(len(names))


def _count(row: Row) -> int:
    return len(row.runs)

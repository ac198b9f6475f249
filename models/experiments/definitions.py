"""The paper's tables as experiments: each function lists the runs behind every row of its table."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from models.catalog import LABELS_TO_PHOTOS, METHODS, build
from models.experiments import paper_scores
from models.experiments.experiment import Experiment, Row
from models.experiments.run import Run
from models.experiments.setting import Names, Setting

RUNS = {
    **{f"table{number}": (10, 10) if number in (1, 8) else (4, 4) for number in range(1, 10)},
    **dict.fromkeys(("comparison", "curves", "precision", "generators"), (3, 3)),
    "strategies": (10, 50),
}
"""By experiment, the default numbers of seeds and of random draws: for the tables, how many trainings the
paper averages. Tables 6 and 9 do not say; 4, as for table 2, whose models they score.
"""

BUDGETS = (1, 5, 10, 20, 40)
PAIRS = 20
"""The number of pairs where the paper compares at one number only."""

COMPARED = [1, 2, 5, 10, 20, 40]
"""The numbers of pairs of the comparison of all methods."""

NEAR, FAR = "near", "far"
"""The sources of label maps that tables 3 and 7 compare: similar to the data set's own, and different."""


def table1(setting: Setting) -> Experiment:
    """Pairs alone, k-medoids against random selection.

    The medoids are those of table 7, so they are among the 200 to which the experiments are restricted; its
    rows without unpaired samples repeat this table's numbers. Random pairs come from all train photos.
    """
    return _selections(setting, "Table 1: photos → labels from pairs alone", paper_scores.TABLE_1)


def table2(setting: Setting) -> Experiment:
    """Unpaired samples with a few pairs, and the baselines around them."""
    title = "Table 2: photos → labels from unpaired samples and a few pairs"
    return _few_pairs(setting, title, 200, paper_scores.TABLE_2)


def table3(setting: Setting) -> Experiment:
    """20 pairs, and unpaired label maps from other sources."""
    return _sources(setting, "Table 3: unpaired label maps of other sources", [PAIRS])


def table4(setting: Setting) -> Experiment:
    """Satellite → map, 100 samples."""
    title = "Table 4: satellite → map from unpaired samples and a few pairs"
    return _few_pairs(setting, title, 100, paper_scores.TABLE_4)


def table5(setting: Setting) -> Experiment:
    """Without the cycle loss, and without the identity loss."""
    unpaired = setting.unpaired(200)
    samples: dict[str, Any] = {"pairs": setting.medoids(PAIRS, unpaired), "unpaired": unpaired}
    without = {"full": {}, "w/o cycle": {"lambda_cycle": 0.0}, "w/o idt": {"lambda_identity": 0.0}}
    rows = [
        Row((model,), setting.runs("hybrid", **samples, **options), paper_scores.TABLE_5[model])
        for model, options in without.items()
    ]
    rows += [Row((method,), runs) for method, runs in _beyond(setting, samples["pairs"])]
    return Experiment("Table 5: ablation", ("model",), tuple(rows))


def table6(setting: Setting) -> Experiment:
    """Against supervised segmentation from the pairs alone, which is trained for as many steps: with Adam,
    and as in the implementation that the paper used.
    """
    unpaired = setting.unpaired(200)
    pairs = setting.medoids(PAIRS, unpaired)
    ours = setting.runs("hybrid", pairs=pairs, unpaired=unpaired)
    as_long: dict[str, Any] = {"pairs": pairs, "total_steps": ours[0].steps}
    fcn8s, sgd = setting.runs("fcn8s", **as_long), setting.runs("fcn8s", **as_long, sgd=True)
    rows = [
        Row(("FCN-8s", _n(pairs), "–"), fcn8s, paper_scores.TABLE_6["fcn8s"]),
        Row(("FCN-8s, SGD", _n(pairs), "–"), sgd, paper_scores.TABLE_6["fcn8s"]),
        Row(("hybrid", _n(pairs), _n(unpaired)), ours, paper_scores.TABLE_6["hybrid"]),
    ]
    rows += [Row((method, _n(pairs), "–"), runs) for method, runs in _beyond(setting, pairs)]
    columns = ("method", "paired", "unpaired")
    return Experiment("Table 6: against supervised segmentation", columns, tuple(rows))


def table7(setting: Setting) -> Experiment:
    """Table 3 with other numbers of pairs."""
    return _sources(setting, "Table 7: unpaired label maps of other sources", BUDGETS)


def table8(setting: Setting) -> Experiment:
    """Table 1 for labels → photos."""
    title = "Table 8: labels → photos from pairs alone"
    return _scored_by_classes(setting, _selections(setting, title, paper_scores.TABLE_8))


def table9(setting: Setting) -> Experiment:
    """Table 2 for labels → photos."""
    title = "Table 9: labels → photos from unpaired samples and a few pairs"
    return _scored_by_classes(setting, _few_pairs(setting, title, 200, paper_scores.TABLE_9))


def comparison(setting: Setting) -> Experiment:
    """Every method as its recipe trains it, with the pairs that `words` picks from all train photos, another
    selection for every seed.

    `finetune, 64 pixels` sees the photos as small as the paper's methods see them at scale tiny.
    """
    unpaired, papers = setting.unpaired(200), [1, 5, 10, PAIRS]
    compared: dict[str, tuple[list[int], dict[str, Any]]] = {
        "probe": (COMPARED, {}),
        "finetune": (COMPARED, {}),
        "finetune, 64 pixels": (papers, {"image_size": 64}),
        "pix2pix": (COMPARED, {}),
        "fcn8s": (papers, {}),
        "hybrid": (COMPARED, {"unpaired": unpaired}),
        "tripathy": (papers, {"unpaired": unpaired}),
    }
    rows = [
        Row((name, str(count)), setting.words_runs(method, count, **_own_steps(setting, method), **options))
        for name, (counts, options) in compared.items()
        for method in [name.split(",")[0]]
        for count in counts
    ]
    cyclegan = setting.runs("cyclegan", unpaired=unpaired, **_own_steps(setting, "cyclegan"))
    rows.append(Row(("cyclegan", "–"), cyclegan))
    pictured = tuple(row for row in rows if row.cells[1] in ("–", str(PAIRS)))
    title = "Comparison of all methods"
    return Experiment(title, ("method", "paired"), tuple(rows), pictured=pictured)


def curves(setting: Setting) -> Experiment:
    """Learning curves of hybrid, pix2pix and cyclegan with 1, 5 and 20 pairs, and of joint steps."""
    unpaired = setting.unpaired(200)
    rows = [Row(("cyclegan", "–"), setting.runs("cyclegan", unpaired=unpaired))]
    for count in (1, 5, PAIRS):
        pairs = setting.medoids(count, unpaired)
        rows += [
            Row(("hybrid", _n(pairs)), setting.runs("hybrid", pairs=pairs, unpaired=unpaired)),
            Row(("pix2pix", _n(pairs)), setting.runs("pix2pix", pairs=pairs)),
        ]
    joint = setting.runs("hybrid", pairs=setting.medoids(PAIRS, unpaired), unpaired=unpaired, joint=True)
    return Experiment(
        "Learning curves", ("method", "paired"), (*rows, Row(("hybrid, joint", str(PAIRS)), joint))
    )


def precision(setting: Setting) -> Experiment:
    """Whether training in bfloat16 changes the scores."""
    unpaired = setting.unpaired(200)
    samples: dict[str, Any] = {"pairs": setting.medoids(PAIRS, unpaired), "unpaired": unpaired}
    rows = tuple(
        Row((name,), setting.runs("hybrid", **samples, precision=name)) for name in ("float32", "bfloat16")
    )
    return Experiment("Precision: hybrid in float32 and in bfloat16", ("precision",), rows)


def generators(setting: Setting) -> Experiment:
    """pix2pix and hybrid with the paper's generator and with a pretrained one, from 10 and 40 pairs."""
    unpaired = setting.unpaired(100)
    rows = [
        Row(
            (_n(pairs), method, generator),
            setting.runs(method, pairs=pairs, unpaired=unpaired, generator=generator),
        )
        for pairs in (setting.medoids(count, unpaired) for count in (10, 40))
        for method in ("pix2pix", "hybrid")
        for generator in ("resnet", "pretrained")
    ]
    return Experiment(
        "Generators: the paper's and a pretrained one", ("paired", "method", "generator"), tuple(rows)
    )


EXPERIMENTS: dict[str, Callable[[Setting], Experiment]] = {
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
        comparison,
        curves,
        precision,
        generators,
    )
}


def _selections(
    setting: Setting, title: str, numbers: dict[tuple[int | None, str], paper_scores.Scores]
) -> Experiment:
    """pix2pix on medoids of the 200 photos, and on random pairs."""
    everything, unpaired = setting.data.train, setting.unpaired(200)
    rows = []
    for count in [count for count in BUDGETS if count < len(everything)]:
        chosen = setting.runs("pix2pix", pairs=setting.medoids(count, unpaired))
        drawn = setting.random_runs("pix2pix", count, everything)
        rows += [
            Row((str(count), "random"), drawn, numbers[count, "random"]),
            Row((str(count), "k-medoids"), chosen, numbers[count, "k-medoids"]),
        ]
        rows += [
            Row((str(count), f"k-medoids, {method}"), runs)
            for method, runs in _beyond(setting, setting.medoids(count, unpaired))
        ]
    everything_row = Row((_n(everything), "–"), setting.runs("pix2pix", pairs=everything), numbers[None, "–"])
    return Experiment(title, ("samples", "selection"), (*rows, everything_row))


def _few_pairs(
    setting: Setting, title: str, count: int, numbers: dict[str, paper_scores.Scores]
) -> Experiment:
    """The rows of tables 2, 4 and 9, as far as the paper has numbers for them."""
    unpaired, everything = setting.unpaired(count), setting.data.train
    few, everyone = {"unpaired": unpaired}, {"unpaired": everything}
    some, whole = _n(unpaired), _n(everything)
    rows = {
        f"pix2pix {count}": (("–", some, "pix2pix"), setting.runs("pix2pix", pairs=unpaired)),
        f"cyclegan {count}": ((some, "–", "cyclegan"), setting.runs("cyclegan", **few)),
        "1rand": ((some, "1rand", "hybrid"), setting.random_runs("hybrid", 1, unpaired, **few)),
        f"{PAIRS}unbal": (
            (some, f"{PAIRS}unbal", "hybrid"),
            setting.runs("hybrid", pairs=setting.medoids(PAIRS, unpaired), balance=False, **few),
        ),
        "cyclegan all": ((whole, "–", "cyclegan"), setting.runs("cyclegan", **everyone)),
        "pix2pix all": (("–", whole, "pix2pix"), setting.runs("pix2pix", pairs=everything)),
    }
    for k in BUDGETS:
        pairs = setting.medoids(k, unpaired)
        rows[str(k)] = (some, _n(pairs), "hybrid"), setting.runs("hybrid", pairs=pairs, **few)
    for k in (30, 50, 70):
        pairs = setting.medoids(k, everything)
        runs = setting.runs("tripathy", pairs=pairs, **everyone)
        rows[f"tripathy {k}"] = (whole, _n(pairs), "tripathy"), runs
    shown = [Row(*rows[name], scores) for name, scores in numbers.items()]
    for k in BUDGETS:
        pairs = setting.medoids(k, unpaired)
        shown += [Row(("–", _n(pairs), method), runs) for method, runs in _beyond(setting, pairs)]
    return Experiment(title, ("unpaired", "paired", "method"), tuple(shown))


def _sources(setting: Setting, title: str, budgets: Iterable[int]) -> Experiment:
    missing = [name for name in (NEAR, FAR) if name not in setting.sources]
    if missing:
        options = " and ".join(f"--labels {name}=DIR" for name in missing)
        raise ValueError(f"this table compares label maps of other sources: add {options}")
    unpaired = setting.unpaired(200)
    rows = []
    for count in budgets:
        pairs, numbers = setting.medoids(count, unpaired), paper_scores.TABLE_7[count]
        rows.append(Row((_n(pairs), "–"), setting.runs("pix2pix", pairs=pairs), numbers["–"]))
        for source in (FAR, NEAR, None):
            runs = setting.runs("hybrid", pairs=pairs, unpaired=unpaired, labels_from=source)
            name = source or "own"
            rows.append(Row((_n(pairs), f"{_n(unpaired)} {name}"), runs, numbers[name]))
        rows += [Row((_n(pairs), f"– ({method})"), runs) for method, runs in _beyond(setting, pairs)]
    return Experiment(title, ("paired", "unpaired label maps"), tuple(rows))


def _scored_by_classes(setting: Setting, experiment: Experiment) -> Experiment:
    """The experiment for labels → photos. The paper scores with an FCN trained on all of Cityscapes: here an
    FCN-8s on all train pairs.
    """
    if setting.data.class_table is None:
        raise ValueError("labels → photos is scored by classes, and this data set has no classes.json")
    rows = tuple(
        row for row in experiment.rows if LABELS_TO_PHOTOS in METHODS[row.runs[0].spec.method].directions
    )
    scorer = setting.run("fcn8s", pairs=setting.data.train)
    return replace(experiment, rows=rows, direction=LABELS_TO_PHOTOS, scorer=scorer)


def _beyond(setting: Setting, pairs: Names) -> list[tuple[str, tuple[Run, ...]]]:
    """The methods beyond the paper with their trainings from these pairs; they need classes."""
    if setting.data.class_table is None:
        return []
    return [(name, setting.runs(name, pairs=pairs)) for name, facts in METHODS.items() if facts.beyond]


def _own_steps(setting: Setting, method: str) -> dict[str, Any]:
    """As many steps as the method's recipe has, unless the setting says how many."""
    return {} if setting.steps else {"total_steps": build(setting.scale, method).total_steps}


def _n(names: Names) -> str:
    return str(len(names))

"""Twenty photos by `words` at once, against ten, a model of these ten, and ten more where it is in doubt.

    python -m benchmarks.second_round camvid scenes maps-classes --work strategies

The folders are data sets as for `fewpairs experiment strategies`, which can share `--work`. From each of its
pools, twenty photos are picked at once, and ten. A probe of the ten tells its doubt of each photo of the
pool; by these weights (`models.weighting.uncertainty_weights`) ten more are picked. Scores are mean IoUs of a
probe of the twenty, as in that experiment.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.measuring import Report, device_named, say, table
from models.experiments import Dataset, train_features
from models.experiments.strategies.cells import dataset_cells
from models.experiments.strategies.intervals import Interval
from models.experiments.strategies.oracle import CellProbe, score_picks
from models.experiments.strategies.trials import POOLS, pool_of
from models.selection import select
from models.weighting import uncertainty_weights

FIRST, ALL = 10, 20
KINDS = ("rest", "val")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+", help="folders of data sets with classes")
    parser.add_argument("--work", type=Path, default=Path("experiments"))
    parser.add_argument("--pools", type=int, default=POOLS)
    parser.add_argument("--encoder", default="efficientnet_lite0")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/second_round.json"))
    arguments = parser.parse_args()
    about = {"encoder": arguments.encoder, "pools": arguments.pools, "first": FIRST, "all": ALL}
    report = Report(arguments.out, device_named("cpu"), **about)
    for folder in arguments.data:
        for row in _rows(Dataset(folder), arguments.encoder, arguments.work, arguments.pools):
            report.add(**row)
    say(
        table([{name: row[name] for name in ("data", "scored", "difference", "half")} for row in report.rows])
    )


def _rows(data: Dataset, encoder: str, work: Path, pools: int) -> Iterator[dict[str, Any]]:
    """For each kind of scored photos, the scores of all pools and the mean difference, with its interval."""
    embeddings, patches = train_features(data, encoder, work)
    cells = dataset_cells(data, encoder, work)
    row_of = {name: row for row, name in enumerate(data.train)}
    at_once, in_rounds = [], []
    for pool in range(pools):
        members = [row_of[name] for name in pool_of(data.train, pool)]
        seen: dict[str, Any] = {"seed": pool, "patches": None if patches is None else patches[members]}
        picks = select("words", embeddings[members], ALL, **seen).picks
        together = [members[pick.index] for pick in picks]
        weights = uncertainty_weights(CellProbe(cells, together[:FIRST]).doubts(cells.train, members))
        labelled = [pick.index for pick in picks[:FIRST]]
        more = select(
            "words", embeddings[members], ALL - FIRST, labelled=labelled, weights=weights, **seen
        ).picks
        at_once.append(score_picks(cells, together))
        in_rounds.append(score_picks(cells, together[:FIRST] + [members[pick.index] for pick in more]))
    for kind in KINDS:
        pairs = [(one[kind], two[kind]) for one, two in zip(at_once, in_rounds, strict=True)]
        gain = Interval.of([two - one for one, two in pairs])
        yield {
            **{"data": data.name, "scored": kind, "difference": gain.mean, "half": gain.half},
            **{"at_once": [one for one, _ in pairs], "in_rounds": [two for _, two in pairs]},
        }


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

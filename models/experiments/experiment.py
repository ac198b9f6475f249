"""What an experiment is: a table, and the runs behind each of its rows."""

from dataclasses import dataclass
from itertools import chain, zip_longest

from models.catalog import PHOTOS_TO_LABELS
from models.experiments import paper_scores
from models.experiments.run import Run


@dataclass(frozen=True)
class Row:
    """A row of a table: its first cells, the runs whose mean it shows, and the paper's scores, if any."""

    cells: tuple[str, ...]
    runs: tuple[Run, ...]
    paper: paper_scores.Scores = ()


@dataclass(frozen=True)
class Experiment:
    """A table. `direction` says which translation of every run is scored, one of DIRECTIONS.

    `scorer` is the run whose model reads the generated photos, where the direction is labels_to_photos. The
    pictures show the rows `pictured`, by default as many of all rows as there is room for.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    direction: str = PHOTOS_TO_LABELS
    scorer: Run | None = None
    pictured: tuple[Row, ...] = ()

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run once: first the first run of every row, then the second one, and so on."""
        ordered = chain.from_iterable(zip_longest(*(row.runs for row in self.rows)))
        return tuple({run.key: run for run in ordered if run}.values())

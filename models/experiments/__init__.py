"""The paper's experiments on any data set: plan a table, run its trainings, report it.

dataset, bench   the data, and the samples that runs draw on
run, tables      what is trained for every row of a table
execution        trains and scores, in processes side by side
report           the table beside the paper's, learning curves, qualitative sheet
"""

from models.experiments.bench import STEPS, Bench, train_embeddings
from models.experiments.dataset import Dataset, LabelSource
from models.experiments.execution import Progress, execute
from models.experiments.report import Report, write_report
from models.experiments.run import Run
from models.experiments.tables import EXPERIMENTS, Experiment, Row

__all__ = [
    "EXPERIMENTS",
    "STEPS",
    "Bench",
    "Dataset",
    "Experiment",
    "LabelSource",
    "Progress",
    "Report",
    "Row",
    "Run",
    "execute",
    "train_embeddings",
    "write_report",
]

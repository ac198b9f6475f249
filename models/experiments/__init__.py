"""The paper's experiments on any data set: plan a table, run its trainings, report it.

dataset, setting    the data, and the samples that the runs draw from it
definitions, run    which trainings stand behind each row of a table
execution, scoring  trains and scores them, in several processes
results, report     the table next to the paper's, learning curves, a sheet of samples
strategies          another kind of experiment: which selections give the better labels
"""

from models.experiments.dataset import Dataset, LabelSource
from models.experiments.definitions import EXPERIMENTS, RUNS
from models.experiments.execution import Progress, execute
from models.experiments.report import Report, write_report
from models.experiments.setting import Setting, train_features
from models.experiments.strategies.compare import compare_strategies

__all__ = [
    "EXPERIMENTS",
    "RUNS",
    "Dataset",
    "LabelSource",
    "Progress",
    "Report",
    "Setting",
    "compare_strategies",
    "execute",
    "train_features",
    "write_report",
]

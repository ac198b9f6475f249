"""Selection strategies, each a function from a `Problem` to ordered picks."""

from models.selection.problem import Strategy
from models.selection.strategies.facility import facility
from models.selection.strategies.fasterpam import fasterpam
from models.selection.strategies.kcenter import kcenter
from models.selection.strategies.kmedoids import kmedoids
from models.selection.strategies.probcover import probcover
from models.selection.strategies.random_draw import random_draw
from models.selection.strategies.typiclust import typiclust

STRATEGIES: dict[str, Strategy] = {
    "kmedoids": kmedoids,
    "fasterpam": fasterpam,
    "kcenter": kcenter,
    "typiclust": typiclust,
    "probcover": probcover,
    "facility": facility,
    "random": random_draw,
}

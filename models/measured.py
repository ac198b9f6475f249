"""What trainings on a CPU scored and how long they took: the numbers that the advice follows.

Mean IoU on the val photos of CamVid, and minutes of two cores, by the number of pairs. `docs/method.md` says
how they were measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2


@dataclass(frozen=True)
class Point:
    """The score and the time of one training."""

    mean_iou: float
    minutes: float


Curve = Mapping[int, Point]
"""Points by the number of pairs. A method that uses no pairs has one point, at 0."""

DATA_SET = "CamVid"
CURVES: Mapping[str, Curve] = {
    "finetune": {
        1: Point(0.442, 2.9),
        2: Point(0.483, 2.7),
        5: Point(0.538, 3.1),
        10: Point(0.599, 3.0),
        20: Point(0.638, 3.1),
        40: Point(0.649, 2.9),
    },
    "probe": {
        1: Point(0.384, 0.2),
        2: Point(0.434, 0.2),
        5: Point(0.497, 0.3),
        10: Point(0.560, 0.3),
        20: Point(0.581, 0.4),
        40: Point(0.593, 0.4),
    },
    "pix2pix": {
        1: Point(0.196, 0.7),
        2: Point(0.201, 0.7),
        5: Point(0.233, 0.7),
        10: Point(0.310, 0.7),
        20: Point(0.337, 0.8),
        40: Point(0.358, 0.7),
    },
    "hybrid": {
        1: Point(0.177, 1.6),
        2: Point(0.197, 1.6),
        5: Point(0.226, 1.5),
        10: Point(0.300, 1.6),
        20: Point(0.295, 1.7),
        40: Point(0.277, 1.6),
    },
    "cyclegan": {0: Point(0.201, 1.6)},
}


def expected(method: str, pairs: int) -> Point:
    """The point of a method at this number of pairs.

    Between measured numbers the points are joined by lines over log₂ of the number of pairs; beyond them the
    nearest point counts. Raises KeyError for a method that was not measured.
    """
    curve = CURVES[method]
    below = max((count for count in curve if count <= pairs), default=min(curve))
    above = min((count for count in curve if count >= pairs), default=max(curve))
    low, high = curve[below], curve[above]
    if above <= below:
        return low
    share = (log2(pairs) - log2(below)) / (log2(above) - log2(below))
    return Point(
        low.mean_iou + share * (high.mean_iou - low.mean_iou),
        low.minutes + share * (high.minutes - low.minutes),
    )

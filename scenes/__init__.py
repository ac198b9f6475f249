"""Street scenes drawn by a procedure: photos with exact label maps, for demonstrations and tests."""

from scenes.classes import CLASSES
from scenes.dataset import JPEG_QUALITY, held_out, write
from scenes.distributions import DISTRIBUTIONS
from scenes.kinds import KINDS
from scenes.scene import Scene, draw

__all__ = [
    "CLASSES",
    "DISTRIBUTIONS",
    "JPEG_QUALITY",
    "KINDS",
    "Scene",
    "draw",
    "held_out",
    "write",
]

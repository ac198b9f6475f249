"""Street scenes drawn by a procedure: photos with exact label maps, for demonstrations and tests."""

from models.scenes.classes import CLASSES
from models.scenes.dataset import write
from models.scenes.distributions import DISTRIBUTIONS
from models.scenes.kinds import KINDS
from models.scenes.scene import Scene, draw

__all__ = ["CLASSES", "DISTRIBUTIONS", "KINDS", "Scene", "draw", "write"]

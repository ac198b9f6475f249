"""The class table of the scenes."""

from typing import Any

from formats.data_sets import SCENES

SKY, BUILDING, ROAD, PAVEMENT, VEGETATION, CAR, PERSON, POLE = range(len(SCENES))

CLASSES: dict[str, Any] = {
    "ignore": 255,
    "classes": [{"name": name, "color": list(color)} for name, color in SCENES.items()],
}

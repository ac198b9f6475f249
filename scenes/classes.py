"""The class table of the scenes, in the colours of Cityscapes."""

from typing import Any

SKY, BUILDING, ROAD, PAVEMENT, VEGETATION, CAR, PERSON, POLE = range(8)

CLASSES: dict[str, Any] = {
    "ignore": 255,
    "classes": [
        {"name": "sky", "color": [70, 130, 180]},
        {"name": "building", "color": [70, 70, 70]},
        {"name": "road", "color": [128, 64, 128]},
        {"name": "pavement", "color": [244, 35, 232]},
        {"name": "vegetation", "color": [107, 142, 35]},
        {"name": "car", "color": [0, 0, 142]},
        {"name": "person", "color": [220, 20, 60]},
        {"name": "pole", "color": [153, 153, 153]},
    ],
}

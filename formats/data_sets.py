"""The classes of public data sets, as their own tables list them, and those of drawn street scenes. Standard
library only.
"""

VOC = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train"),
    "tvmonitor",
)
CITYSCAPES = (
    *("unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic", "ground"),
    *("road", "sidewalk", "parking", "rail track", "building", "wall", "fence", "guard rail", "bridge"),
    *("tunnel", "pole", "polegroup", "traffic light", "traffic sign", "vegetation", "terrain", "sky"),
    *("person", "rider", "car", "truck", "bus", "caravan", "trailer", "train", "motorcycle", "bicycle"),
)
CITYSCAPES_UNSCORED = frozenset({*range(7), 9, 10, 14, 15, 16, 18, 29, 30})
"""The numbers of classes that Cityscapes counts as unlabelled."""

SCENES = {
    "sky": (70, 130, 180),
    "building": (70, 70, 70),
    "road": (128, 64, 128),
    "pavement": (244, 35, 232),
    "vegetation": (107, 142, 35),
    "car": (0, 0, 142),
    "person": (220, 20, 60),
    "pole": (153, 153, 153),
}
"""The classes of drawn street scenes, in the colours of Cityscapes."""


def voc_color(number: int) -> tuple[int, int, int]:
    """VOC's own rule: three bits of the number at a time become the next lower bits of the channels."""
    red = green = blue = 0
    for place in range(8):
        bits = number >> 3 * place
        red |= (bits & 1) << 7 - place
        green |= (bits >> 1 & 1) << 7 - place
        blue |= (bits >> 2 & 1) << 7 - place
    return red, green, blue

"""Class tables of public data sets, with the numbers and colours that their files use."""

from collections.abc import Iterable, Mapping
from typing import Any

from formats.data_sets import CITYSCAPES, CITYSCAPES_UNSCORED, SCENES, VOC, voc_color

Color = tuple[int, int, int]


def _table(
    names: str, colors: Iterable[Color] = (), ids: Iterable[int] = (), **others: Any
) -> dict[str, Any]:
    """A class table; `names` are separated by commas. Without colours, far-apart ones are chosen."""
    classes: list[dict[str, Any]] = [{"name": name.strip()} for name in names.split(",")]
    for key, values in (("color", [*colors]), ("id", [*ids])):
        if values:
            for entry, value in zip(classes, values, strict=True):
                entry[key] = value
    return {"ignore": 255, "classes": classes, **others}


_CITYSCAPES = {
    7: (128, 64, 128),
    8: (244, 35, 232),
    11: (70, 70, 70),
    12: (102, 102, 156),
    13: (190, 153, 153),
    17: (153, 153, 153),
    19: (250, 170, 30),
    20: (220, 220, 0),
    21: (107, 142, 35),
    22: (152, 251, 152),
    23: (70, 130, 180),
    24: (220, 20, 60),
    25: (255, 0, 0),
    26: (0, 0, 142),
    27: (0, 0, 70),
    28: (0, 60, 100),
    31: (0, 80, 100),
    32: (0, 0, 230),
    33: (119, 11, 32),
}
_CAMVID = {
    "Sky": (128, 128, 128),
    "Building": (128, 0, 0),
    "Pole": (192, 192, 128),
    "Road": (128, 64, 128),
    "Pavement": (60, 40, 222),
    "Tree": (128, 128, 0),
    "SignSymbol": (192, 128, 128),
    "Fence": (64, 64, 128),
    "Car": (64, 0, 128),
    "Pedestrian": (64, 64, 0),
    "Bicyclist": (0, 128, 192),
}
_CAMVID_32 = {
    "Animal": (64, 128, 64),
    "Archway": (192, 0, 128),
    "Bicyclist": (0, 128, 192),
    "Bridge": (0, 128, 64),
    "Building": (128, 0, 0),
    "Car": (64, 0, 128),
    "CartLuggagePram": (64, 0, 192),
    "Child": (192, 128, 64),
    "Column_Pole": (192, 192, 128),
    "Fence": (64, 64, 128),
    "LaneMkgsDriv": (128, 0, 192),
    "LaneMkgsNonDriv": (192, 0, 64),
    "Misc_Text": (128, 128, 64),
    "MotorcycleScooter": (192, 0, 192),
    "OtherMoving": (128, 64, 64),
    "ParkingBlock": (64, 192, 128),
    "Pedestrian": (64, 64, 0),
    "Road": (128, 64, 128),
    "RoadShoulder": (128, 128, 192),
    "Sidewalk": (0, 0, 192),
    "SignSymbol": (192, 128, 128),
    "Sky": (128, 128, 128),
    "SUVPickupTruck": (64, 128, 192),
    "TrafficCone": (0, 0, 64),
    "TrafficLight": (0, 64, 64),
    "Train": (192, 64, 128),
    "Tree": (128, 128, 0),
    "Truck_Bus": (192, 128, 192),
    "Tunnel": (64, 0, 64),
    "VegetationMisc": (192, 192, 0),
    "Wall": (64, 192, 0),
}
_ADE20K = (
    "wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, sidewalk, person, "
    "earth, door, table, mountain, plant, curtain, chair, car, water, painting, sofa, shelf, house, sea, "
    "mirror, rug, field, armchair, seat, fence, desk, rock, wardrobe, lamp, bathtub, railing, cushion, "
    "base, box, column, signboard, chest of drawers, counter, sand, sink, skyscraper, fireplace, "
    "refrigerator, grandstand, path, stairs, runway, case, pool table, pillow, screen door, stairway, "
    "river, bridge, bookcase, blind, coffee table, toilet, flower, book, hill, bench, countertop, stove, "
    "palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel, bus, towel, light, "
    "truck, tower, chandelier, awning, streetlight, booth, television receiver, airplane, dirt track, "
    "apparel, pole, land, bannister, escalator, ottoman, bottle, buffet, poster, stage, van, ship, "
    "fountain, conveyer belt, canopy, washer, plaything, swimming pool, stool, barrel, basket, waterfall, "
    "tent, bag, minibike, cradle, oven, ball, food, step, tank, trade name, microwave, pot, animal, "
    "bicycle, lake, dishwasher, screen, blanket, sculpture, hood, sconce, vase, traffic light, tray, "
    "ashcan, fan, pier, crt screen, plate, monitor, bulletin board, shower, radiator, glass, clock, flag"
)
_COCO_STUFF = (
    "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop "
    "sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, "
    "backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, "
    "baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife, spoon, "
    "bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, "
    "potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, "
    "oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush, "
    "banner, blanket, branch, bridge, building-other, bush, cabinet, cage, cardboard, carpet, "
    "ceiling-other, ceiling-tile, cloth, clothes, clouds, counter, cupboard, curtain, desk-stuff, dirt, "
    "door-stuff, fence, floor-marble, floor-other, floor-stone, floor-tile, floor-wood, flower, fog, "
    "food-other, fruit, furniture-other, grass, gravel, ground-other, hill, house, leaves, light, mat, "
    "metal, mirror-stuff, moss, mountain, mud, napkin, net, paper, pavement, pillow, plant-other, plastic, "
    "platform, playingfield, railing, railroad, river, road, rock, roof, rug, salad, sand, sea, shelf, "
    "sky-other, skyscraper, snow, solid-other, stairs, stone, straw, structural-other, table, tent, "
    "textile-other, towel, tree, vegetable, wall-brick, wall-concrete, wall-other, wall-panel, wall-stone, "
    "wall-tile, wall-wood, water-other, waterdrops, window-blind, window-other, wood"
)
_WITHOUT_MASKS_IN_COCO = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91}
"""Categories of COCO, counted from 1, of which no image has a mask."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "cityscapes": _table(
        ",".join(CITYSCAPES[number] for number in _CITYSCAPES),
        _CITYSCAPES.values(),
        _CITYSCAPES,
        ignore_ids=sorted(CITYSCAPES_UNSCORED),
        ignore_color=(0, 0, 0),
    ),
    "camvid": _table(",".join(_CAMVID), _CAMVID.values(), ignore_ids=[11], ignore_color=(0, 0, 0)),
    "camvid32": _table(",".join(_CAMVID_32), _CAMVID_32.values(), ignore_color=(0, 0, 0)),
    "scenes": _table(",".join(SCENES), SCENES.values()),
    "voc": _table(",".join(VOC), map(voc_color, range(len(VOC))), ignore_color=voc_color(255)),
    "ade20k": _table(_ADE20K, ids=range(1, 151), ignore_ids=[0]),
    "coco-stuff": _table(
        _COCO_STUFF, ids=[number - 1 for number in range(1, 183) if number not in _WITHOUT_MASKS_IN_COCO]
    ),
}
"""Files of ADE20K count from 1, and 0 is unlabelled; those of COCO-Stuff (`stuffthingmaps`) from 0."""

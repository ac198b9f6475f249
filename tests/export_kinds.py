"""Exports of other tools: files of many kinds, each with the label maps that they hold.

Everything is written here byte by byte, or by other programs, and never by the codecs under test.
"""

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

Ids = NDArray[np.uint8]
Color = tuple[int, int, int]

HEIGHT, WIDTH, UNLABELLED = 20, 30, 255
LAKE: dict[str, Any] = {
    "ignore": UNLABELLED,
    "classes": [
        {"name": "water", "color": [40, 90, 200]},
        {"name": "reed bed", "color": [110, 140, 60]},
        {"name": "boat", "color": [210, 40, 50]},
        {"name": "sky", "color": [170, 200, 230]},
    ],
}
COLORS = [tuple(entry["color"]) for entry in LAKE["classes"]]
WATER, REED, BOAT, SKY = range(4)
VOC_TABLE: dict[str, Any] = {
    "ignore": UNLABELLED,
    "classes": [
        {"name": name, "color": [9 * k, 200 - 7 * k, 30 + k]}
        for k, name in enumerate(("background", "cat", "sofa", "car"))
    ],
}
CITY: dict[str, Any] = {
    "ignore": UNLABELLED,
    "classes": [
        {"name": name, "color": [30 * k, 10, 200 - 20 * k]}
        for k, name in enumerate(("sky", "traffic light", "road", "car"))
    ],
}


@dataclass
class Export:
    """The files of an export, and what they mean: ids by the names of photos."""

    format: str
    files: dict[str, bytes]
    ids: dict[str, Ids]
    table: dict[str, Any] = field(default_factory=lambda: LAKE)
    mapping: dict[str, str | None] = field(default_factory=dict)
    """Answers to the labels that the pool does not have."""
    overlapped: int = 0
    noted: str = ""
    """Words of a note about what was left out."""


Made = Callable[[], Export]


def ids() -> Ids:
    """Sky above water, with reed and a boat; one corner is unlabelled."""
    drawn = np.full((HEIGHT, WIDTH), WATER, np.uint8)
    drawn[:7] = SKY
    drawn[11:17, 2:9] = REED
    drawn[5:10, 14:24] = BOAT
    drawn[17:, 25:] = UNLABELLED
    return drawn


def shifted() -> Ids:
    return np.roll(ids(), 5, axis=1)


def png(pixels: Image.Image | NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(stream, "PNG", **options)
    return stream.getvalue()


def palette_png(values: NDArray[Any], colors: list[Any], **options: Any) -> bytes:
    image = Image.new("P", values.shape[::-1])
    image.putdata(values.ravel().tolist())
    image.putpalette([channel for color in colors for channel in color])
    return png(image, **options)


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return stream.getvalue()


def looked_up(drawn: Ids, values: dict[int, Any]) -> NDArray[Any]:
    """The value of each id (H, W), or its colour (H, W, 3)."""
    out = np.zeros((*drawn.shape, *np.shape(values[WATER])), int)
    for number, value in values.items():
        out[drawn == number] = value
    return out


# --- masks in numbers or colours ----------------------------------------------------------------------------


def png_palette() -> Export:
    colors = [*COLORS, *[(0, 0, 0)] * 252]
    files = {"out/classes.json": as_json(LAKE), "out/labels/a.png": palette_png(ids(), colors)}
    return Export("png", files, {"a.jpg": ids()})


def png_other_numbers() -> Export:
    """Their table counts from 200 and has the classes in another order."""
    theirs = [{"id": 200 + k, "name": LAKE["classes"][k]["name"]} for k in (3, 1, 0, 2)]
    theirs += [{"id": 7, "name": "pier"}]
    numbers = {WATER: 200, REED: 201, BOAT: 202, SKY: 203, UNLABELLED: 0}
    drawn = looked_up(ids(), numbers)
    drawn[:2, :3] = 7
    files = {
        "classes.json": as_json({"ignore": 255, "ignore_ids": [0], "classes": theirs}),
        "a.png": png(drawn.astype(np.uint8)),
        "b.png": png(looked_up(shifted(), numbers).astype(np.uint16)),
    }
    truth = ids()
    truth[:2, :3] = BOAT
    return Export("png", files, {"a.jpg": truth, "b.jpg": shifted()}, mapping={"pier": "boat"})


def png_colors() -> Export:
    own = {WATER: (1, 2, 3), REED: (4, 5, 6), BOAT: (7, 8, 9), SKY: (10, 11, 12), UNLABELLED: (0, 0, 0)}
    classes = [
        {"name": entry["name"], "color": own[place]}
        for place, entry in reversed([*enumerate(LAKE["classes"])])
    ]
    table = {"ignore": 255, "ignore_color": [0, 0, 0], "classes": classes}
    reordered = [own[UNLABELLED], own[SKY], own[BOAT], own[REED], own[WATER]]
    entries = looked_up(ids(), {UNLABELLED: 0, SKY: 1, BOAT: 2, REED: 3, WATER: 4})
    files = {
        "classes.json": as_json(table),
        "labels/a.png": png(looked_up(ids(), own).astype(np.uint8)),
        "labels/b.png": palette_png(entries, reordered),
    }
    return Export("png", files, {"a.jpg": ids(), "b.jpg": ids()})


def cvat_labelmap(colors: dict[str, Color]) -> bytes:
    lines = [f"{name}:{red},{green},{blue}::" for name, (red, green, blue) in colors.items()]
    return ("# label:color_rgb:parts:actions\n" + "\n".join(lines) + "\n").encode()


def cvat() -> Export:
    """Their own order and colours, and CVAT's background for what is not labelled; RGB and a palette."""
    own = {
        **{"background": (0, 0, 0), "sky": (61, 61, 245), "boat": (250, 50, 83)},
        **{"water": (250, 250, 55), "reed bed": (36, 179, 83)},
    }
    names = {WATER: "water", REED: "reed bed", BOAT: "boat", SKY: "sky", UNLABELLED: "background"}
    files = {
        "labelmap.txt": cvat_labelmap(own),
        "ImageSets/Segmentation/default.txt": b"a\nb\n",
        "SegmentationClass/a.png": png(
            looked_up(ids(), {k: own[name] for k, name in names.items()}).astype(np.uint8)
        ),
        "SegmentationClass/b.png": palette_png(
            looked_up(shifted(), {k: list(own).index(name) for k, name in names.items()}), [*own.values()]
        ),
        "SegmentationObject/a.png": palette_png(ids() % 5, [(k, k, 9) for k in range(256)]),
    }
    return Export("cvat", files, {"a.jpg": ids(), "b.jpg": shifted()}, mapping={"background": None})


def cvat_same_colors() -> Export:
    """Other names: one in another spelling, one only alike by its colour, one for which there is no class."""
    own = {
        "Water": (9, 9, 9),
        "cane": COLORS[REED],
        "boat": (1, 1, 1),
        "heaven": (2, 2, 2),
        "void": (3, 3, 3),
    }
    colors = {WATER: (9, 9, 9), REED: COLORS[REED], BOAT: (1, 1, 1), SKY: (2, 2, 2), UNLABELLED: (3, 3, 3)}
    files = {
        "task/labelmap.txt": cvat_labelmap(own),
        "task/SegmentationClass/a.png": png(looked_up(ids(), colors).astype(np.uint8)),
    }
    return Export("cvat", files, {"a.jpg": ids()}, mapping={"heaven": "sky", "void": None})


def cvat_not_drawn() -> Export:
    """A label that is declared but not drawn is nobody's question."""
    own = {
        "background": (0, 0, 0),
        "swan": (255, 255, 255),
        **{k["name"]: tuple(k["color"]) for k in LAKE["classes"]},
    }
    drawn = np.where(ids() == UNLABELLED, WATER, ids()).astype(np.uint8)
    files = {
        "labelmap.txt": cvat_labelmap(own),
        "SegmentationClass/a.png": png(np.array(COLORS, np.uint8)[drawn]),
    }
    return Export("cvat", files, {"a.jpg": drawn})


def voc_colors() -> list[Color]:
    """VOC's palette, from its definition: bit k of the number's triples is bit 7 − k of a channel."""
    bits = [[int(b) for b in f"{number:08b}"[::-1]] for number in range(256)]
    return [
        tuple(
            sum(row[3 * k + channel] << 7 - k for k in range(3) if 3 * k + channel < 8)
            for channel in range(3)
        )
        for row in bits
    ]  # type: ignore[misc]


def things() -> tuple[NDArray[Any], Ids]:
    """VOC's numbers, and the ids that they are in a pool of background, cat, sofa and car."""
    numbers = np.zeros((HEIGHT, WIDTH), int)
    numbers[3:12, 4:15], numbers[8:18, 13:28], numbers[2:6, 20:27] = 8, 18, 7
    numbers[3:12, 14:15] = 255
    return numbers, looked_up_numbers(numbers, {0: 0, 8: 1, 18: 2, 7: 3, 255: UNLABELLED})


def looked_up_numbers(numbers: NDArray[Any], table: dict[int, int]) -> Ids:
    out = np.full(numbers.shape, 254, np.uint8)
    for number, place in table.items():
        out[numbers == number] = place
    return out


def voc() -> Export:
    numbers, truth = things()
    files = {
        "VOC2012/JPEGImages/a.jpg": b"not looked at",
        "VOC2012/SegmentationClass/a.png": palette_png(numbers, voc_colors()),
        "VOC2012/SegmentationObject/a.png": palette_png(numbers % 3, voc_colors()),
    }
    return Export("voc", files, {"a.jpg": truth}, VOC_TABLE)


def voc_own_labels() -> Export:
    """A labelmap.txt says what the numbers are; the palette is grey."""
    own = {
        "background": (0, 0, 0),
        "boat": (1, 0, 0),
        "sky": (2, 0, 0),
        "water": (3, 0, 0),
        "reed_bed": (4, 0, 0),
    }
    numbers = looked_up(ids(), {WATER: 3, REED: 4, BOAT: 1, SKY: 2, UNLABELLED: 255})
    files = {
        "labelmap.txt": cvat_labelmap(own),
        "SegmentationClass/a.png": palette_png(numbers, [(k, k, k) for k in range(256)]),
        "SegmentationClass/b.png": png(numbers.astype(np.uint8)),
    }
    return Export("voc", files, {"a.jpg": ids(), "b.jpg": ids()})


def voc_saved_again() -> Export:
    """A drawing program has stored the palette in the order of use, and another one RGB."""
    numbers, truth = things()
    colors = voc_colors()
    order = [18, 0, 255, 8, 7]
    entries = looked_up_numbers(numbers, {number: place for place, number in enumerate(order)})
    files = {
        "SegmentationClass/a.png": palette_png(entries, [colors[number] for number in order]),
        "SegmentationClass/b.png": png(np.array(colors, np.uint8)[numbers]),
    }
    return Export("voc", files, {"a.jpg": truth, "b.jpg": truth}, VOC_TABLE)


def street() -> tuple[NDArray[Any], Ids]:
    """Cityscapes' numbers, and their ids in a pool of sky, traffic light, road and car."""
    numbers = np.full((HEIGHT, WIDTH), 7)
    numbers[:8], numbers[6:12, 4:12], numbers[2:6, 20:22] = 23, 26, 19
    numbers[18:] = 1
    return numbers, looked_up_numbers(numbers, {7: 2, 23: 0, 26: 3, 19: 1, 1: UNLABELLED})


def cityscapes() -> Export:
    numbers, truth = street()
    place = "gtFine/val/ulm/ulm_000001_000019_gtFine"
    files = {
        f"{place}_labelIds.png": png(numbers.astype(np.uint8)),
        f"{place}_labelTrainIds.png": png(np.zeros((HEIGHT, WIDTH), np.uint8)),
        f"{place}_instanceIds.png": png((numbers * 1000).astype(np.uint16)),
        f"{place}_color.png": png(np.zeros((HEIGHT, WIDTH, 4), np.uint8)),
    }
    return Export("cityscapes", files, {"ulm_000001_000019_leftImg8bit.png": truth}, CITY)


def cityscapes_void() -> Export:
    """What Cityscapes does not score is unlabelled without a question; what it does score is asked about."""
    numbers, truth = street()
    numbers[0, :9], numbers[1, :9], numbers[2, :9] = 4, 255, 11
    truth[:3, :9] = UNLABELLED
    files = {"in/gtCoarse/train/jena/jena_1_gtCoarse_labelIds.png": png(numbers.astype(np.uint8))}
    return Export("cityscapes", files, {"jena_1.jpg": truth}, CITY, mapping={"building": None})


def cityscapes_own_numbers() -> Export:
    """`classes.json` says that the numbers are not Cityscapes' own."""
    numbers = looked_up(ids(), {WATER: 40, REED: 41, BOAT: 42, SKY: 43, UNLABELLED: 0})
    names = [entry["name"] for entry in LAKE["classes"]]
    table = {
        "ignore": 255,
        "ignore_ids": [0],
        "classes": [{"id": 40 + k, "name": n} for k, n in enumerate(names)],
    }
    files = {
        "classes.json": as_json(table),
        "gtFine/train/all/a_gtFine_labelIds.png": png(numbers.astype(np.uint8)),
    }
    return Export("cityscapes", files, {"a.jpg": ids()})


# --- regions ------------------------------------------------------------------------------------------------


def brush(alpha: NDArray[Any], sizes: tuple[int, ...] = (3, 4, 8, 16), shortest: int = 5) -> list[int]:
    """The bytes of a brush: runs of at least `shortest` equal bytes are repeated, the others are literal."""
    rgba = np.zeros((*alpha.shape, 4), int)
    rgba[..., :3], rgba[..., 3] = (alpha[..., None] > 0) * np.array([30, 200, 90]), alpha
    words = rgba.ravel().tolist()
    text = f"{len(words):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in sizes)

    def head(is_repeated: int, count: int) -> str:
        which = next(k for k, size in enumerate(sizes) if count <= 2**size)
        return f"{is_repeated}{which:02b}{count - 1:0{sizes[which]}b}"

    at = 0
    while at < len(words):
        run = at
        while run < len(words) and words[run] == words[at] and run - at < 2 ** sizes[-1]:
            run += 1
        if run - at >= shortest:
            text += head(1, run - at) + f"{words[at]:08b}"
            at = run
        else:
            literal = words[at : at + min(shortest, 2 ** sizes[-1])]
            text += head(0, len(literal)) + "".join(f"{word:08b}" for word in literal)
            at += len(literal)
    text += "0" * (-len(text) % 8)
    return [int(text[k : k + 8], 2) for k in range(0, len(text), 8)]


def region(kind: str, value: dict[str, Any], **others: Any) -> dict[str, Any]:
    size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    return {"id": "r", "type": kind, "from_name": "tag", "to_name": "image", **size, "value": value} | others


def task(image: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    return {"id": 1, "data": {"image": image, "weather": "fog"}, "annotations": [*annotations]}


def rectangle(top: int, bottom: int, left: int, right: int) -> NDArray[np.bool_]:
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[top:bottom, left:right] = True
    return inside


def label_studio_brush() -> Export:
    first, second = rectangle(2, 12, 3, 19), rectangle(8, 18, 12, 29)
    faint = second * 255
    faint[7, 12:29] = 127
    results = [
        region("brushlabels", {"format": "rle", "rle": brush(first * 255), "brushlabels": ["water"]}),
        region("brushlabels", {"format": "rle", "rle": brush(faint), "brushlabels": ["boat"]}),
    ]
    truth = np.full((HEIGHT, WIDTH), UNLABELLED, np.uint8)
    truth[first], truth[second] = WATER, BOAT
    tasks = [task("/data/local-files/?d=lake/a.jpg", {"result": results})]
    both = int((first & second).sum())
    return Export("label-studio", {"project.json": as_json(tasks)}, {"a.jpg": truth}, overlapped=both)


def label_studio_polygons() -> Export:
    """Points are percentages. The file was uploaded; a cancelled annotation and a choice do not count."""
    corners = [[x / WIDTH * 100, y / HEIGHT * 100] for x, y in ((4, 3), (20, 3), (20, 15), (4, 15))]
    results = [
        region("polygonlabels", {"points": corners, "closed": True, "polygonlabels": ["reed bed"]}),
        region("choices", {"choices": ["sunny"]}),
    ]
    tasks = [
        task(
            "/data/upload/3/0f3a99c1-a.jpg",
            {"was_cancelled": True, "result": [region("polygonlabels", {})]},
            {"was_cancelled": False, "result": results},
        )
    ]
    truth = np.full((HEIGHT, WIDTH), UNLABELLED, np.uint8)
    truth[3:15, 4:20] = REED
    return Export("label-studio", {"p.json": as_json(tasks)}, {"a.jpg": truth}, noted="choices")


def label_studio_literal() -> Export:
    """A brush of literal runs of other sizes; of two annotations the last counts; two tasks."""
    drawn = rectangle(0, 20, 0, 7)
    drawn[::3, 2:5] = False
    sizes = (2, 5, 9, 12)
    counts = region(
        "brushlabels",
        {"format": "rle", "rle": brush(drawn * 200, sizes, shortest=40), "brushlabels": ["heron"]},
    )
    earlier = region("brushlabels", {"rle": brush(rectangle(0, 9, 0, 9) * 255), "brushlabels": ["sky"]})
    tasks = [
        task("s3://bucket/day%201/a.jpg?version=2", {"result": [earlier]}, {"result": [counts]}),
        task("https://images.example/b.jpg", {"result": [counts]}),
    ]
    truth = np.where(drawn, BOAT, UNLABELLED).astype(np.uint8)
    return Export(
        "label-studio",
        {"p.json": as_json(tasks)},
        {"a.jpg": truth, "b.jpg": truth},
        mapping={"heron": "boat"},
        noted="2 annotations",
    )


def coco_document(annotations: list[dict[str, Any]], names: dict[int, str], photo: str = "a.jpg") -> bytes:
    categories = [{"id": number, "name": name, "supercategory": "x"} for number, name in names.items()]
    image = {"id": 77, "file_name": photo, "width": WIDTH, "height": HEIGHT}
    listed = [{"id": k, "image_id": 77, "iscrowd": 0, **values} for k, values in enumerate(annotations)]
    return as_json({"images": [image], "annotations": listed, "categories": categories})


def coco_polygons() -> Export:
    """Two parts in one region, and a later region over one of them; a box without a segmentation."""

    def box(left: int, top: int, right: int, bottom: int) -> list[float]:
        return [left, top, right, top, right, bottom, left, bottom]

    annotations = [
        {"category_id": 18, "segmentation": [box(2, 2, 10, 8), box(15, 3, 25, 16)]},
        {"category_id": 3, "segmentation": [box(20, 5, 29, 12)]},
        {"category_id": 3, "bbox": [1, 1, 4, 4]},
    ]
    truth = np.full((HEIGHT, WIDTH), UNLABELLED, np.uint8)
    truth[2:8, 2:10], truth[3:16, 15:25], truth[5:12, 20:29] = WATER, WATER, BOAT
    files = {"annotations/instances_val.json": coco_document(annotations, {3: "boat", 18: "water"})}
    return Export("coco", files, {"a.jpg": truth}, overlapped=7 * 5, noted="without a segmentation")


def coco_compressed() -> Export:
    """Run lengths of COCO's own program, one region for each class and one of a label without a class."""

    def of(mask: NDArray[Any]) -> dict[str, Any]:
        rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        return {"size": rle["size"], "counts": rle["counts"].decode()}

    names = {100 + place: entry["name"] for place, entry in enumerate(LAKE["classes"])} | {9: "other"}
    annotations = [{"category_id": 100 + k, "segmentation": of(ids() == k)} for k in range(4)]
    annotations += [{"category_id": 9, "segmentation": of(ids() == UNLABELLED)}]
    files = {"stuff.json": coco_document(annotations, names, "val2017/a.png")}
    return Export("coco", files, {"a.jpg": ids()}, mapping={"other": None})


def coco_runs() -> Export:
    """Run lengths as numbers, in a crowd; the region begins in the first pixel."""
    drawn = rectangle(0, 9, 0, 4) | rectangle(12, 20, 26, 30)
    flat = "".join("1" if value else "0" for value in drawn.T.ravel())
    counts = [0]
    for previous, value in zip("0" + flat, flat, strict=False):
        if value != previous:
            counts.append(0)
        counts[-1] += 1
    segmentation = {"size": [HEIGHT, WIDTH], "counts": counts}
    annotations = [{"category_id": 1, "iscrowd": 1, "segmentation": segmentation}]
    truth = np.where(drawn, SKY, UNLABELLED).astype(np.uint8)
    return Export("coco", {"x.json": coco_document(annotations, {1: "sky"})}, {"a.jpg": truth})


def panoptic_png(segments: NDArray[Any]) -> bytes:
    return png(np.dstack([segments % 256, segments // 256 % 256, segments // 65536]).astype(np.uint8))


def panoptic_document(segments: dict[int, int], categories: dict[int, str], **others: Any) -> bytes:
    listed = [
        {"id": segment, "category_id": category, "iscrowd": 0} for segment, category in segments.items()
    ]
    annotation = {"image_id": 5, "file_name": "a.png", "segments_info": listed}
    names = [{"id": number, "name": name, "isthing": 1} for number, name in categories.items()]
    return as_json({"annotations": [annotation], "categories": names} | others)


def panoptic() -> Export:
    """Ids far apart, and two segments of one category."""
    segments = looked_up(ids(), {WATER: 70_001, REED: 12, BOAT: 3_226_956, SKY: 256, UNLABELLED: 0})
    segments[(ids() == BOAT) & (np.arange(WIDTH) > 18)] = 16_777_215
    kinds = {70_001: 5, 12: 180, 3_226_956: 8, 16_777_215: 8, 256: 1}
    image = {"id": 5, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}
    names = {5: "water", 180: "reed bed", 8: "boat", 1: "sky"}
    files = {
        "panoptic.json": panoptic_document(kinds, names, images=[image]),
        "panoptic/a.png": panoptic_png(segments),
    }
    return Export("coco-panoptic", files, {"a.jpg": ids()})


def panoptic_beside_photos() -> Export:
    """The photo has the PNG's name; the folder named as the JSON counts. The JSON names no photo."""
    segments = looked_up(ids(), {WATER: 1, REED: 2, BOAT: 3, SKY: 4, UNLABELLED: 0})
    names = {7: "water", 8: "reed bed", 9: "boat", 10: "sky"}
    files = {
        "set/panoptic_val.json": panoptic_document({1: 7, 2: 8, 3: 9, 4: 10}, names),
        "set/panoptic_val/a.png": panoptic_png(segments),
        "set/val/a.png": panoptic_png(segments * 0 + 99),
    }
    return Export("coco-panoptic", files, {"a.jpg": ids()})


def panoptic_stuff() -> Export:
    """A category that the pool does not have, in two segments."""
    segments = looked_up(ids(), {WATER: 1, REED: 2, BOAT: 3, SKY: 400, UNLABELLED: 500})
    names = {7: "water", 8: "plant-other", 9: "boat", 10: "sky"}
    files = {
        "panoptic.json": panoptic_document({1: 7, 2: 8, 3: 9, 400: 10, 500: 8}, names),
        "masks/a.png": panoptic_png(segments),
    }
    truth = np.where(ids() == UNLABELLED, REED, ids()).astype(np.uint8)
    return Export("coco-panoptic", files, {"a.jpg": truth}, mapping={"plant-other": "reed bed"})


def shape(label: str, kind: str, points: list[Any], **others: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **others}


def labelme_file(shapes: list[dict[str, Any]], photo: str = "..\\photos\\a.jpg") -> bytes:
    size = {"imageHeight": HEIGHT, "imageWidth": WIDTH}
    return as_json({"version": "5.2.0", "shapes": shapes, "imagePath": photo, "imageData": None, **size})


def corners(left: int, top: int, right: int, bottom: int) -> list[list[int]]:
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def labelme_polygons() -> Export:
    """The later polygon lies above; outlines on whole coordinates belong to a polygon."""
    shapes = [
        shape("water", "polygon", corners(1, 3, 20, 14)),
        shape("sky", "polygon", corners(12, 0, 29, 5)),
        shape("reed bed", "line", [[0, 0], [9, 9]]),
    ]
    truth = np.full((HEIGHT, WIDTH), UNLABELLED, np.uint8)
    truth[3:15, 1:21], truth[0:6, 12:30] = WATER, SKY
    files = {"labels/a.json": labelme_file(shapes)}
    return Export("labelme", files, {"a.jpg": truth}, overlapped=3 * 9, noted="line")


def labelme_mask() -> Export:
    """A mask with a hole, and a rectangle from its lower right corner."""
    ring = np.ones((9, 12), bool)
    ring[2:6, 3:7] = False
    mask = base64.b64encode(png(Image.fromarray(ring.astype(np.uint8) * 255).convert("1"))).decode()
    shapes = [
        shape("sky", "rectangle", [[28, 18], [5, 4]]),
        shape("boat", "mask", [[8, 6], [19, 14]], mask=mask),
    ]
    truth = np.full((HEIGHT, WIDTH), UNLABELLED, np.uint8)
    truth[4:19, 5:29] = SKY
    truth[6:15, 8:20][ring] = BOAT
    return Export(
        "labelme", {"a.json": labelme_file(shapes, "a.jpg")}, {"a.jpg": truth}, overlapped=int(ring.sum())
    )


def labelme_several() -> Export:
    """A file for each photo; a label that no class has."""
    files = {
        "x/a.json": labelme_file([shape("pond", "polygon", corners(0, 0, 9, 9))], "a.png"),
        "x/b.json": labelme_file([shape("boat", "polygon", corners(20, 10, 29, 19))], "b.png"),
    }
    first, second = (np.full((HEIGHT, WIDTH), UNLABELLED, np.uint8) for _ in range(2))
    first[:10, :10], second[10:, 20:] = WATER, BOAT
    return Export("labelme", files, {"a.jpg": first, "b.jpg": second}, mapping={"pond": "water"})


def bitmap(mask: NDArray[Any]) -> str:
    content = palette_png(mask.astype(int), [(0, 0, 0), (255, 255, 255)], transparency=0, bits=1)
    return base64.b64encode(zlib.compress(content)).decode()


def supervisely_object(title: str, **geometry: Any) -> dict[str, Any]:
    kind = next(iter(geometry))
    return {
        "classTitle": title,
        "geometryType": "polygon" if kind == "points" else kind,
        "tags": [],
        **geometry,
    }


def supervisely_files(
    objects: list[dict[str, Any]], path: str = "lake/ds0/ann/a.jpg.json"
) -> dict[str, bytes]:
    document = {"description": "", "tags": [], "size": {"height": HEIGHT, "width": WIDTH}, "objects": objects}
    meta = {"classes": [{"title": "water", "shape": "any", "color": "#0000FF"}], "tags": []}
    return {"lake/meta.json": as_json(meta), path: as_json(document)}


def supervisely_bitmaps() -> Export:
    blob = np.ones((7, 10), bool)
    blob[0, 0] = blob[6, 9] = blob[3, 4] = False
    objects = [
        supervisely_object("water", bitmap={"data": bitmap(np.ones((9, 30))), "origin": [0, 11]}),
        supervisely_object("boat", bitmap={"data": bitmap(blob), "origin": [17, 8]}),
    ]
    truth = np.full((HEIGHT, WIDTH), UNLABELLED, np.uint8)
    truth[11:20] = WATER
    truth[8:15, 17:27][blob] = BOAT
    both = int(blob[3:].sum())
    return Export("supervisely", supervisely_files(objects), {"a.jpg": truth}, overlapped=both)


def supervisely_polygon() -> Export:
    """A polygon with a hole, whose outline belongs to the polygon; a point is left out."""
    points = {"exterior": corners(3, 2, 25, 16), "interior": [corners(8, 5, 15, 10)]}
    objects = [
        supervisely_object("sky", points=points),
        supervisely_object("sky", point={"location": [1, 1]}) | {"geometryType": "point"},
    ]
    truth = np.full((HEIGHT, WIDTH), UNLABELLED, np.uint8)
    truth[2:17, 3:26] = SKY
    truth[6:10, 9:15] = UNLABELLED
    return Export("supervisely", supervisely_files(objects), {"a.jpg": truth}, noted="point")


def supervisely_alpha() -> Export:
    """A bitmap with an alpha channel that reaches beyond the photo."""
    alpha = np.zeros((8, 8, 4), np.uint8)
    alpha[2:, 1:] = 255
    data = base64.b64encode(zlib.compress(png(alpha))).decode()
    objects = [supervisely_object("reed-bed", bitmap={"data": data, "origin": [25, 15]})]
    truth = np.full((HEIGHT, WIDTH), UNLABELLED, np.uint8)
    truth[17:, 26:] = REED
    return Export("supervisely", supervisely_files(objects, "lake/ds0/ann/a.json"), {"a.jpg": truth})


TAKEN: dict[str, Made] = {
    made.__name__.replace("_", " "): made
    for made in (
        *(png_palette, png_other_numbers, png_colors, cvat, cvat_same_colors, cvat_not_drawn),
        *(voc, voc_own_labels, voc_saved_again, cityscapes, cityscapes_void, cityscapes_own_numbers),
        *(label_studio_brush, label_studio_polygons, label_studio_literal),
        *(coco_polygons, coco_compressed, coco_runs, panoptic, panoptic_beside_photos, panoptic_stuff),
        *(labelme_polygons, labelme_mask, labelme_several),
        *(supervisely_bitmaps, supervisely_polygon, supervisely_alpha),
    )
}
_FIRST = {make().format: name for name, make in reversed(TAKEN.items())}.values()
ONE_OF_EACH = [pytest.param(name, marks=() if name in _FIRST else pytest.mark.slow) for name in TAKEN]
"""All of them, for tests that run a service; the first of each format runs with the usual tests."""

"""The formats of label maps that can be imported and exported. Standard library only."""

from collections.abc import Mapping

FORMATS: Mapping[str, str] = {
    "png": "a folder of PNGs with a class table, classes.json",
    "cvat": "CVAT's Segmentation mask 1.1",
    "label-studio": "Label Studio's JSON, brush and polygon regions",
    "coco": "COCO's JSON of instances or stuff, polygons and run lengths",
    "coco-panoptic": "COCO panoptic, a JSON and PNGs of segment ids",
    "labelme": "labelme's JSON files",
    "voc": "Pascal VOC's SegmentationClass",
    "cityscapes": "Cityscapes' gtFine, *_labelIds.png",
    "supervisely": "a Supervisely project, bitmaps and polygons",
}
"""What each format is, by its name. The codec of `coco-panoptic` is `formats.codecs.coco_panoptic`."""

IMPORT_SUFFIXES = (".json", ".png", ".txt")
"""The suffixes of files that an import may read; photos in other formats need not be sent."""

"""Which folders hold photos and which hold their label maps, by the names that data sets give them."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Literal

IMAGE_SUFFIXES = frozenset(
    {
        *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg", ".jxl"),
        *(".png", ".pgm", ".ppm", ".tif", ".tiff", ".webp"),
        *(".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"),  # the answer says what to do
    }
)
PHOTOS = {
    *("image", "images", "img", "imgs", "photo", "photos", "picture", "pictures", "rgb", "frames"),
    *("jpegimages", "leftimg8bit"),
}
LABEL_MAPS = {
    *("label", "labels", "labelmap", "labelmaps", "lbl", "mask", "masks", "annotation", "annotations"),
    *("annot", "ann", "gt", "gtfine", "gtcoarse", "groundtruth", "segmentation", "segmentations"),
    *("segmentationclass", "segmentationobject"),
}
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "test", "testing"), "test"),
}
GLUED = re.compile(r"(?<=.)annot$")
"""SegNet's CamVid: `train` and `trainannot`."""
WITHOUT_CLASSES = re.compile(
    r"(^|/)SegmentationObject/|_gt(Fine|Coarse)_(color|instanceIds|instanceTrainIds)\.png$", re.IGNORECASE
)


def label_map_folders(files: Iterable[str]) -> Mapping[str, int]:
    """The topmost folders that hold label maps, each with its number of files. `files` are relative paths.

    A folder counts if its name says so (`labels`, `gtFine`, `train_masks`) and photos are beside it: in a
    folder whose name says so (`images`; `train` beside `train_masks`), or as files.
    """
    files = list(files)
    inside: dict[PurePosixPath, set[str]] = defaultdict(set)
    for file in map(PurePosixPath, files):
        if file.suffix.lower() in IMAGE_SUFFIXES:
            inside[file.parent].add("")
        for folder in file.parents[:-1]:
            inside[folder.parent].add(folder.name)
    found = (_label_map_folder(PurePosixPath(file), inside) for file in files)
    return Counter(str(folder) for folder in found if folder)


def splits_of(photos: Iterable[str]) -> Mapping[str, str]:
    """The split of each photo, `train` or `test`: that of its folders, if folders of both are there, or else
    `train`."""
    said = {photo: _split_of(photo) for photo in photos}
    has_both = {"train", "test"} <= set(said.values())
    return {photo: (has_both and split) or "train" for photo, split in said.items()}


def _split_of(file: str) -> str | None:
    """`train` or `test`, if a folder of the path is named so; photos to validate with are test photos."""
    folders = (without_layout(folder).casefold() for folder in PurePosixPath(file).parts[:-1])
    return next((SPLITS[folder] for folder in folders if folder in SPLITS), None)


def without_layout(folder: str) -> str:
    """A folder's name without the words that say what it holds: `train_masks` is `train`, `images` is ''."""
    return "_".join(word for word in _words(folder) if word.casefold() not in PHOTOS | LABEL_MAPS)


def without_classes(file: str) -> bool:
    """Whether the path is one that VOC and Cityscapes give to instances and pictures beside label maps."""
    return WITHOUT_CLASSES.search(file) is not None


def _label_map_folder(file: PurePosixPath, inside: Mapping[PurePosixPath, set[str]]) -> PurePosixPath | None:
    for folder in reversed(file.parents[:-1]):
        beside = inside[folder.parent] - {folder.name}
        alike = {"", without_layout(folder.name)}
        if _says(folder.name) == "label maps" and any(
            other in alike or _says(other) == "photos" for other in beside
        ):
            return folder
    return None


def _says(folder: str) -> Literal["photos", "label maps"] | None:
    """What the first or the last word of a folder's name says that it holds."""
    words = _words(folder.casefold())
    for word in (words[-1], words[0]):
        if word in LABEL_MAPS:
            return "label maps"
        if word in PHOTOS:
            return "photos"
    return None


def _words(folder: str) -> list[str]:
    return re.split(r"[-_ .]+", GLUED.sub(" annot", folder))

"""A benchmark data set: a folder of train and val photos with their label maps."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from models.files import sha256
from models.images.palette import ClassTable
from models.images.photos import colors_disagree
from models.training.data import Pair

SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Dataset:
    """The folder DIR: {train,val}/{images,labels}, with label maps named like their photos, and classes.json.

    Without `classes.json` the label maps are RGB images (satellite → map).
    """

    directory: Path

    def __post_init__(self) -> None:
        """Raises ValueError, which says what is expected, if photos or label maps are missing."""
        for split in ("train", "val"):
            photos, label_maps = self._files[split, "images"], self._files[split, "labels"]
            if not photos:
                raise ValueError(
                    f"{self.directory} has no {split}/images: an experiment needs train/ and val/,"
                    " each with images/ and labels/, and classes.json unless the label maps are RGB images"
                )
            if unlabelled := photos.keys() - label_maps.keys():
                raise ValueError(f"{self.directory}/{split}/labels has no label map of {min(unlabelled)}")
            self._check_palettes(label_maps.values())

    def _check_palettes(self, label_maps: Iterable[Path]) -> None:
        table = self.class_table
        for path in label_maps if table else ():
            if table and colors_disagree(path, table):
                raise ValueError(
                    f"{path} is a palette image in which a class has its colour at another class's number:"
                    " save it as a grey PNG of class numbers, or use a pool, which reads the colours"
                )

    @property
    def name(self) -> str:
        return self.directory.resolve().name

    @cached_property
    def class_table(self) -> ClassTable | None:
        path = self.directory / "classes.json"
        return ClassTable.from_json(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    @property
    def train(self) -> tuple[str, ...]:
        """The names of the train photos, without their suffix."""
        return tuple(self._files["train", "images"])

    @property
    def val(self) -> tuple[str, ...]:
        return tuple(self._files["val", "images"])

    def photo(self, split: str, name: str) -> Path:
        return self._files[split, "images"][name]

    def label_map(self, split: str, name: str) -> Path:
        return self._files[split, "labels"][name]

    def pair(self, split: str, name: str) -> Pair:
        return self.photo(split, name), self.label_map(split, name)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 over the names and contents of all files that an experiment reads."""
        files = [path for listed in self._files.values() for path in listed.values()]
        return digest_of([*files, self.directory / "classes.json"] if self.class_table else files)

    @cached_property
    def _files(self) -> dict[tuple[str, str], dict[str, Path]]:
        """The photos ("images") and label maps ("labels") of each split by name."""
        return {
            (split, kind): _listed(self.directory / split / kind)
            for split in ("train", "val")
            for kind in ("images", "labels")
        }


@dataclass(frozen=True)
class LabelSource:
    """Unpaired label maps from another source (§4.1.8): all label maps in a folder, or in its
    train/labels.
    """

    name: str
    directory: Path

    @cached_property
    def label_maps(self) -> dict[str, Path]:
        """The label maps by name. ValueError if there are none."""
        for folder in (self.directory / "train" / "labels", self.directory / "labels", self.directory):
            if found := _listed(folder):
                return found
        raise ValueError(f"{self.directory} holds no label maps for the source {self.name!r}")

    @cached_property
    def digest(self) -> str:
        return digest_of(self.label_maps.values())


def digest_of(files: Iterable[Path]) -> str:
    """The SHA-256 over the files' names and contents, in the given order."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0")
        digest.update(bytes.fromhex(sha256(path)))
    return digest.hexdigest()


def _listed(folder: Path) -> dict[str, Path]:
    """The folder's images, as absolute paths, by name."""
    if not folder.is_dir():
        return {}
    return {
        path.stem: path for path in sorted(folder.absolute().iterdir()) if path.suffix.lower() in SUFFIXES
    }

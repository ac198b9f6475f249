"""Export jobs: write the label maps of a pool in the format of another tool, into one zip."""

import json
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from formats.contract import Drawing, Label
from formats.paths import places
from formats.reading import codec
from models.images.photos import read_label_map
from store import annotations, evaluations, selections
from store.tables import Pool
from store.zips import zipped
from worker.attempt import Attempt
from worker.outcomes import Outcome, Permanent

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the zip, so that the same label maps give the same bytes."""


@dataclass(frozen=True)
class Kept:
    """A label map that the pool has: of which photo, and its blob."""

    photo: str
    split: str
    sha256: str


def export(attempt: Attempt) -> Outcome:
    claim, tools = attempt.claim, attempt.tools
    parts, picks = _asked_for(attempt)
    with tools.database.read() as session:
        table = session.get_one(Pool, claim.pool_id).class_table
    assert table
    total = sum(map(len, parts.values()))
    done = 0
    with tools.blobs.incoming() as incoming:
        with zipped(incoming) as archive:
            for folder, kept in parts.items():
                _write(attempt, archive, folder, kept, table, done, total)
                done += len(kept)
            if picks:
                _add(archive, "picks.json", json.dumps(picks).encode())
        file = incoming.keep()
    counts = {folder.strip("/") or "annotations": len(kept) for folder, kept in parts.items()}
    return Outcome(
        {
            **{"format": claim.spec["format"], "label_maps": counts, "picks": picks is not None},
            **{"address": f"/jobs/{claim.job_id}/output", "file": asdict(file)},
        }
    )


def _asked_for(attempt: Attempt) -> tuple[dict[str, list[Kept]], dict[str, Any] | None]:
    """The label maps of each folder of the zip, and the picks. Label maps alone are in no folder."""
    claim = attempt.claim
    spec, pool_id = claim.spec, claim.pool_id
    with attempt.tools.database.read() as session:
        current = [Kept(i.name, i.split, a.sha256) for i, a in annotations.of_pool(session, pool_id)]
        has_more = spec["picks"] or spec["revisions"] or spec["predictions"]
        parts = {"annotations/" if has_more else "": current}
        if spec["revisions"]:
            for image, earlier in annotations.earlier_of_pool(session, pool_id):
                folder = f"revisions/{earlier.revision}/"
                parts.setdefault(folder, []).append(Kept(image.name, image.split, earlier.sha256))
        if spec["predictions"]:
            predicted = evaluations.predictions(session, uuid.UUID(spec["predictions"]))
            parts["predictions/"] = [Kept(i.name, i.split, p.sha256) for i, p in predicted]
        selection = selections.newest(session, pool_id) if spec["picks"] else None
    return parts, _picks(selection.document) if selection else None


def _picks(selection: dict[str, Any]) -> dict[str, Any]:
    described = {key: selection[key] for key in ("id", "strategy", "seed", "budget")}
    return described | {
        "picks": [{key: pick[key] for key in ("rank", "name")} for pick in selection["picks"]]
    }


def _write(
    attempt: Attempt,
    archive: zipfile.ZipFile,
    folder: str,
    kept: Sequence[Kept],
    table: dict[str, Any],
    before: int,
    total: int,
) -> None:
    where = places(one.photo for one in kept)
    labels = [Label(entry["name"], tuple(entry["color"])) for entry in table["classes"]]

    def drawings() -> Iterator[Drawing]:
        for one in attempt.each(kept, before=before, total=total):
            with attempt.files([one.sha256]) as [path]:
                ids = read_label_map(path)
            numbers = np.where(ids == table["ignore"], 0, ids.astype(np.uint16) + 1)
            yield Drawing(one.photo, where[one.photo], one.split, numbers.astype(np.uint16))

    format = attempt.claim.spec["format"]
    try:
        for path, content in codec(format).write(drawings(), labels):
            _add(archive, folder + path, content)
    except ValueError as error:
        raise Permanent("cannot-export", f"The label maps cannot be written as {format}: {error}.") from error


def _add(archive: zipfile.ZipFile, path: str, content: bytes) -> None:
    info = zipfile.ZipInfo(path, OLDEST)
    info.external_attr = 0o644 << 16
    is_packed = path.endswith(".png")
    archive.writestr(info, content, zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED)

"""Features of the photos of a training's pairs, between the store and a run directory."""

import uuid
from collections.abc import Iterator

from models.training.feature_store import FeaturesFile
from models.training.run_directory import RunDirectory
from store import blobs, photo_features
from store.tables import PhotoFeatures
from worker.attempt import Attempt


def bring_features(attempt: Attempt, run: RunDirectory) -> None:
    """Put the features that are known of these photos, for any encoder, into the run directory."""
    run.features.mkdir(exist_ok=True)
    for file, row in _known(attempt):
        attempt.lease.check()
        target = run.features / file.name
        if not target.exists():
            part = run.features / f"part-{attempt.claim.attempt}"
            part.unlink(missing_ok=True)
            attempt.tools.blobs.fetch(row.sha256, part)
            part.rename(target)


def new_features(attempt: Attempt, run: RunDirectory) -> list[PhotoFeatures]:
    """Keep the bytes of the features that the training has computed. Returns the rows to add for them."""
    known = {file for file, _ in _known(attempt)}
    with attempt.tools.database.read() as session:
        images = photo_features.images_by_sha256(session, _pair_ids(attempt))
    rows = []
    for path in sorted(run.features.glob("*.npy")):
        file = FeaturesFile.named(path.name)
        if file not in known:
            blob = blobs.put_file(attempt.tools.blobs, path)
            rows.append(
                PhotoFeatures(
                    image_id=images[file.photo],
                    weights_digest=file.weights,
                    view=file.view,
                    sha256=blob.sha256,
                    size_bytes=blob.size,
                )
            )
    return rows


def _known(attempt: Attempt) -> Iterator[tuple[FeaturesFile, PhotoFeatures]]:
    with attempt.tools.database.read() as session:
        found = photo_features.of_images(session, _pair_ids(attempt))
    for photo, row in found:
        yield FeaturesFile(photo, row.weights_digest, row.view), row


def _pair_ids(attempt: Attempt) -> list[uuid.UUID]:
    return [uuid.UUID(image_id) for image_id, _ in attempt.claim.spec["pairs"]]

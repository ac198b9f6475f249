"""Give an image other bytes: a corrected photo of the same size."""

from uuid import UUID

from service.http.problems import PhotoSize, StaleRevision
from service.lookups import found_image
from service.runtime import Service
from store import images, pools, tables
from store.blobs import Incoming


def replace(service: Service, image_id: UUID, if_match: str, incoming: Incoming) -> None:
    """Raises a Problem, and then nothing is changed. Asked again after it was done, it changes nothing."""
    checked = service.decoders.photo(incoming.path)
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
    if (checked.width, checked.height) != (image.width, image.height):
        raise PhotoSize(
            f"{image.name} is {image.width} x {image.height} pixels and the new photo {checked.width} x "
            f"{checked.height}: send one of the same size, or upload it under another name."
        )
    blob = incoming.keep()
    photo = tables.Image(sha256=blob.sha256, size_bytes=blob.size, media_type=checked.media_type)
    with service.database.write() as session:
        pools.lock(session, image.pool_id)
        image, _ = found_image(session, image_id)
        session.refresh(image)
        service.require_blobs(blob.sha256)
        if image.sha256 == blob.sha256:
            return
        if if_match.strip().strip('"') != image.sha256:
            raise StaleRevision(
                f'The photo is "{image.sha256}" now: look at it, then send yours with this If-Match.',
                sha256=image.sha256,
            )
        ordered = images.replace(session, service.settings, image, photo)
    service.ring(*ordered)

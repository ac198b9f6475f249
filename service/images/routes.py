"""Addresses of photos."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from folders.layout import splits_of
from service import deletion, thumbnails
from service.access.roles import CURATOR, VIEWER
from service.access.room import ROOM, ROOM_FOR_PHOTOS
from service.deletion import Deletion, Now
from service.http.blobs import BINARY, FILE, blob_response, body, changing
from service.http.bodies import Route, receive
from service.http.names import PathName
from service.http.openapi import content, errors, part, stored
from service.http.pages import CountedPage
from service.http.problems import (
    PHOTO_PROBLEMS,
    ArchiveBomb,
    ArchiveUnreadable,
    BadRequest,
    DiskFull,
    FileTooLarge,
    InvalidName,
    JobFailed,
    LooksLikeLabelMap,
    NameTaken,
    NotFound,
    PhotoSize,
    PoolNotEmbedded,
    PreconditionRequired,
    QuotaReached,
    RangeNotSatisfiable,
    StaleRevision,
    UnsupportedMediaType,
    WouldLeak,
)
from service.images import changes as changed
from service.images import intake, replacing
from service.images.intake import Destination
from service.images.schemas import (
    Image,
    ImageChanges,
    LeftOut,
    Listed,
    ListedImage,
    Listing,
    Missing,
    Upload,
    Uploaded,
)
from service.jobs.enqueue import ACCEPTED, answered
from service.lookups import found_image, found_model, found_pool
from service.runtime import Service, ServiceDep
from store import image_lists, images, tables
from store.states import TEST, Split

router = APIRouter(tags=["images"], route_class=Route)

ARCHIVE_TYPES = {
    f"application/{kind}"
    for kind in ("zip", "x-zip-compressed", "x-tar", "tar", "gzip", "x-gzip", "x-gtar", "octet-stream")
}
FILES = {"files": {"type": "array", "items": FILE}}
FORM = {"multipart/form-data": {"type": "object", "properties": FILES}}
REPLACED = Header(description='The ETag of the bytes that are replaced, `"<sha256>"`.')
IN_TRAIN = Query(
    description="`test` images are for evaluation only: they are never picked and never trained on."
)
BY_FOLDERS = Query(
    description="Left out: photos of an archive in folders named val or test are test photos, if others are "
    "in folders named train; all others are train photos."
)
AllowLabelMaps = Annotated[
    bool,
    Query(description="true: also take files that look like label maps, or lie in folders of label maps."),
]


@router.put(
    "/pools/{pool_id}/images/{name:name}",
    summary="Upload one photo",
    dependencies=[CURATOR, ROOM_FOR_PHOTOS],
    status_code=201,
    responses={
        **stored(Uploaded, "photo"),
        **errors(NotFound, NameTaken, InvalidName, LooksLikeLabelMap, *PHOTO_PROBLEMS),
    },
    openapi_extra=BINARY,
)
async def put_image(
    service: ServiceDep,
    request: Request,
    response: Response,
    pool_id: UUID,
    name: Annotated[
        PathName, Path(description="A relative path with / between folders, otherwise percent-encoded.")
    ],
    split: Annotated[Split, IN_TRAIN] = "train",
    allow_label_maps: AllowLabelMaps = False,
) -> Uploaded:
    """The body is the file itself: JPEG, PNG, WebP, AVIF, TIFF or BMP with 8 bits per channel, nowhere
    transparent. Its bytes are kept unchanged; width and height are those of the photo turned upright by EXIF.
    Repeating the request is safe."""
    to = await run_in_threadpool(Destination.of, service, pool_id, split, allow_label_maps)
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "scale the photo down")
        added = await service.decoders.queue.run(intake.accept, service, to, name, incoming)
    if added.outcome == "unchanged":
        response.status_code = 200
        image = await run_in_threadpool(get_image, service, added.image.id)
        return Uploaded.added(added, image.annotation_revision)
    response.headers["Location"] = f"/images/{added.image.id}"
    return Uploaded.added(added)


@router.post(
    "/pools/{pool_id}/images",
    summary="Upload many photos",
    response_model=Upload,
    dependencies=[CURATOR, ROOM_FOR_PHOTOS],
    responses=errors(
        *(NotFound, BadRequest, UnsupportedMediaType, FileTooLarge, ArchiveUnreadable, ArchiveBomb, DiskFull),
        QuotaReached,
    ),
    openapi_extra=body(FORM | dict.fromkeys(sorted(ARCHIVE_TYPES), FILE)),
)
async def upload_images(
    service: ServiceDep,
    request: Request,
    pool_id: UUID,
    split: Annotated[Split | None, BY_FOLDERS] = None,
    allow_label_maps: AllowLabelMaps = False,
) -> Response:
    """The body is multipart/form-data with any number of files, or one zip, tar or tar.gz. A photo's name is
    its path in the archive, or its file name in the form. A bad file is listed in `rejected`; the others are
    added. Folders of label maps beside the photos are listed in `left_out`."""
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "multipart/form-data" and kind not in ARCHIVE_TYPES:
        raise UnsupportedMediaType(
            "Send multipart/form-data, or a zip or tar with its Content-Type; send a single photo to "
            "PUT /pools/{id}/images/{name}."
        )
    to = await run_in_threadpool(Destination.of, service, pool_id, split, allow_label_maps)
    with service.blobs.incoming() as incoming:
        several = "send the photos in several requests"
        received = await receive(request, incoming, service.settings, "max_archive_bytes", several)
        if kind == "multipart/form-data":
            asked = partial(intake.accept_form, service, to, received, content_type)
        else:
            asked = partial(intake.accept_archive, service, to, received)
        return await service.decoders.queue.run(_taken, asked)


def _taken(upload: Callable[[], Upload]) -> Response:
    """The answer to an upload, made in its thread: it may list a hundred thousand files."""
    return Response(upload().model_dump_json(), media_type="application/json")


@router.post(
    "/pools/{pool_id}/missing",
    summary="Ask which photos are not uploaded yet",
    dependencies=[VIEWER],
    responses=errors(NotFound, InvalidName, FileTooLarge),
)
def list_missing(service: ServiceDep, pool_id: UUID, listing: Listing) -> Missing:
    """Resume an upload: send the name and SHA-256 of every file, then upload the files in `missing`. Plan the
    upload of a folder: with `split` null, the names of its folders say which photos are for tests and which
    folders hold label maps, as those of an archive do."""
    files = {file.name: file.sha256 for file in listing.files}
    left_out: list[LeftOut] = []
    if listing.split is None:
        left_out, names = intake.without_label_maps(files)
        splits = splits_of(names)
    else:
        splits = dict.fromkeys(files, listing.split)
    with service.database.read() as session:
        found_pool(session, pool_id)
        missing, conflicts = images.missing(session, pool_id, splits, files)
    test = [name for name, split in splits.items() if split == TEST] if listing.split is None else []
    return Missing(missing=missing, conflicts=conflicts, test=test, left_out=left_out)


@router.get(
    "/pools/{pool_id}/images",
    summary="List photos",
    dependencies=[VIEWER],
    responses=errors(NotFound, BadRequest),
)
def list_images(
    service: ServiceDep,
    pool_id: UUID,
    listed: Annotated[Listed, Query()],
) -> CountedPage[ListedImage]:
    """Photos in the order of upload, or as `sort` says."""
    with service.database.read() as session:
        found_pool(session, pool_id)
        if listed.model:
            found_model(session, listed.model, within=pool_id)
        wanted = listed.wanted(pool_id)
        rows, following = image_lists.page(
            session, wanted, cursor=listed.cursor, skip=listed.skip, limit=listed.limit
        )
        total = image_lists.total(session, wanted) if listed.total else None
    items = [ListedImage.found(*row) for row in rows]
    return CountedPage(items=items, next=following, total=total)


@router.get(
    "/images/{image_id}", summary="Get a photo's record", dependencies=[VIEWER], responses=errors(NotFound)
)
def get_image(service: ServiceDep, image_id: UUID) -> Image:
    with service.database.read() as session:
        return Image.of(*found_image(session, image_id))


@router.patch(
    "/images/{image_id}",
    summary="Rename a photo, move it, or leave it out",
    dependencies=[CURATOR],
    response_model=Image,
    responses={
        **ACCEPTED,
        **errors(NotFound, InvalidName, NameTaken, WouldLeak, PoolNotEmbedded, JobFailed, FileTooLarge),
    },
)
async def change_image(service: ServiceDep, image_id: UUID, changes: ImageChanges) -> Image | Response:
    """What was selected, trained and evaluated before stays as it is. Trainings that were ordered before
    still learn from an excluded photo. 202: the photo is compared with those of the split that it leaves; ask
    again in a moment."""
    near: list[Any] | None = None
    if job := await run_in_threadpool(changed.near_asked, service, image_id, changes):
        result = await answered(service, job)
        if isinstance(result, Response):
            return result
        near = result["items"]
    return await run_in_threadpool(_changed, service, image_id, changes, near)


@router.delete(
    "/images/{image_id}", summary="Delete a photo", dependencies=[CURATOR], responses=errors(NotFound)
)
def delete_image(service: ServiceDep, image_id: UUID, now: Now = False) -> Deletion:
    """It disappears at once, with its annotations, and nothing is selected, trained or evaluated with it. For
    a time it can be taken back; then its bytes, its embedding and all that was made of it are removed for
    good. Repeating the request is safe."""
    return deletion.delete(service, "image", image_id, now)


@router.post(
    "/images/{image_id}/undelete",
    summary="Take the deletion of a photo back",
    dependencies=[CURATOR],
    responses=errors(NotFound),
)
def undelete_image(service: ServiceDep, image_id: UUID) -> Image:
    """The photo is as it was, with its annotations. 410: it is too late."""
    deletion.undelete(service, "image", image_id)
    return get_image(service, image_id)


@router.get(
    "/images/{image_id}/content",
    summary="Get a photo's bytes",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        **content("image/*", "The bytes as they were sent."),
        **part("image/*"),
        **errors(NotFound, RangeNotSatisfiable),
    },
)
def get_content(service: ServiceDep, request: Request, image_id: UUID) -> Response:
    """The bytes as they were uploaded."""
    with service.database.read() as session:
        image, _ = found_image(session, image_id)
    headers = changing(image.sha256)
    return blob_response(service.blobs, request, image.sha256, image.size_bytes, image.media_type, headers)


@router.put(
    "/images/{image_id}/content",
    summary="Replace a photo by a corrected one",
    dependencies=[CURATOR, ROOM],
    responses=errors(NotFound, PreconditionRequired, StaleRevision, PhotoSize, *PHOTO_PROBLEMS),
    openapi_extra=BINARY,
)
async def replace_content(
    service: ServiceDep, request: Request, image_id: UUID, if_match: Annotated[str | None, REPLACED] = None
) -> Image:
    """The body is a photo of the same size. The image keeps its name, its split and its annotations; its
    embedding is made anew, and the old bytes are removed. Models and scores stay as they are."""
    if if_match is None:
        raise PreconditionRequired('Say which bytes are replaced: send If-Match with their ETag, "<sha256>".')
    with service.blobs.incoming() as incoming:
        await receive(request, incoming, service.settings, "max_image_bytes", "scale the photo down")
        await service.decoders.queue.run(replacing.replace, service, image_id, if_match, incoming)
    return await run_in_threadpool(get_image, service, image_id)


@router.get(
    "/images/{image_id}/thumbnail",
    summary="Get a small JPEG of a photo",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        **content("image/jpeg", "At most `size` pixels wide and high.", "this thumbnail"),
        **errors(NotFound),
    },
)
async def get_thumbnail(
    service: ServiceDep, request: Request, image_id: UUID, size: thumbnails.Side = 256
) -> Response:
    """Made once and kept, if `size` is 64, 128, 256 or 512."""
    image = await run_in_threadpool(_stored, service, image_id)
    return await thumbnails.of_photo(service, request, image.sha256, size)


def _stored(service: Service, image_id: UUID) -> tables.Image:
    with service.database.read() as session:
        return found_image(session, image_id)[0]


def _changed(service: Service, image_id: UUID, changes: ImageChanges, near: list[Any] | None) -> Image:
    with service.database.write() as session:
        return Image.of(*changed.change(session, image_id, changes, near))

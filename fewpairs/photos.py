"""The photos of a pool and their label maps: send them, change them, and take that back."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fewpairs.draft import Draft
from fewpairs.errors import FewpairsError
from fewpairs.jobs import Job, settled
from fewpairs.resource import Items, Resource
from fewpairs.similar import image_id
from fewpairs.sources import Files, found_in
from fewpairs.stretch import Stretch
from fewpairs.suggestion import Suggestion, suggest
from fewpairs.uploads import Progress, Upload, upload_annotations, upload_images, upload_label_maps


class Photos(Resource):
    """A pool, as far as its photos and label maps go; `Pool` is all of it."""

    collection = "/pools"

    def upload(
        self,
        photos: Files,
        split: str = "train",
        on_progress: Progress | None = None,
        under: str = "",
        allow_label_maps: bool = False,
        stretch: tuple[float, float] | None = None,
    ) -> Upload:
        """Send photos: folders with all below them, zips, tars, or files. Call it again to resume.

        A photo's name is its path below what was given, in the folder `under` of the pool. What looks like a
        label map, or lies in a folder of label maps beside the photos, is left out (give it to `annotate`)
        unless `allow_label_maps`. With `stretch`, two percentiles, 16-bit photos are sent with 8 bits, with
        the values between the percentiles spread over 0…255.
        """
        stretching = Stretch(*stretch) if stretch else None
        with found_in(photos, under) as found:
            chosen = found.files if allow_label_maps else found.photos()
            files = [stretching.of(file) if stretching else file for file in chosen]
            upload = upload_images(self._transport, self.id, files, split, on_progress, allow_label_maps)
            upload.stretched = stretching.done if stretching else {}
            return upload.with_others(found, files, "It is in a folder of label maps: annotate with it.")

    def upload_labels(
        self,
        label_maps: Files,
        on_progress: Progress | None = None,
        source: str = "upload",
        under: str = "",
    ) -> Upload:
        """Send unpaired label maps: label maps of no photo of this pool.

        `source` names the data set they come from; a training can be told which sources to use.
        """
        with found_in(label_maps, under) as found:
            upload = upload_label_maps(self._transport, self.id, found.files, source, on_progress)
            return upload.with_others(found, found.files)

    def annotate(
        self,
        label_maps: Files,
        replace: bool = False,
        on_progress: Progress | None = None,
        under: str = "",
        pairs: Mapping[str, str] | None = None,
    ) -> Upload:
        """Send label maps, each for the photo that its name says: `day1/0001_mask.png` for `day1/0001.jpg`.

        `under` is a folder of the pool that their names are in; `pairs` are names of photos by names of label
        maps, where the names say too little. A photo that has another label map keeps it, unless `replace`.
        Files that are photos of the pool are left out.
        """
        with found_in(label_maps, under) as found:
            files = found.label_maps()
            upload = upload_annotations(self._transport, self.id, files, pairs, replace, on_progress)
            return upload.with_others(found, files, "It is not in the folder of label maps beside it.")

    def suggest(self, photo: str, strokes: str | Path | None = None, model: str | None = None) -> Suggestion:
        """Propose a label map for a photo, named or by its id. It is not kept as an annotation.

        Learned from the photos that are finished and from `strokes`, a label map of the photo's size in which
        only strokes are labelled; or made by a `model`, named by its id or as "newest". Raises FewpairsError.
        """
        model_id = None if model == "newest" else model
        return suggest(self._transport, self.image_id(photo), strokes, model_id, by_model=model is not None)

    def withdraw(self, photo: str, revision: int | None = None) -> int:
        """Take the label map of a photo back, given by name or id: the photo is not annotated any more.

        Returns the number of the revision that says so. `revision` is the one to withdraw, by default the
        newest. Raises FewpairsError if there is none, or if somebody has replaced it.
        """
        photo_id = self.image_id(photo)
        if revision is None:
            revision = self._transport.json("GET", f"/images/{photo_id}")["annotation_revision"]
        if revision is None:
            raise FewpairsError(f"{photo} has no label map that could be withdrawn.")
        headers = {"If-Match": f'"{revision}"'}
        answer = self._transport.json("DELETE", f"/images/{photo_id}/annotation", headers=headers)
        return int(answer["revision"])

    def revert(self, photo: str, to: int | None = None) -> int:
        """Bring an earlier label map of a photo back, that of revision `to`.

        By default it is the one before what counts: after a replacement what was replaced, after a withdrawal
        what was withdrawn. Returns the number of the new revision. Raises FewpairsError if there is none.
        """
        image = self._transport.json("GET", f"/images/{self.image_id(photo)}")
        return self._revert(image, to)

    def revert_import(self, job_id: str) -> tuple[int, list[str]]:
        """Take an import back: its photos have the label map again that it replaced, or none.

        Returns how many, and the photos that somebody has annotated since, which stay as they are.
        """
        images = {image["name"]: image for image in self.images()}
        report = self._transport.json("GET", f"/jobs/{job_id}/output")
        done, since = 0, []
        for line in report["files"]:
            if line["outcome"] not in ("taken", "replaced"):
                continue
            image = images.get(line["photo"])
            if image is None or image["annotation_revision"] != line["revision"]:
                since.append(line["photo"])
            elif line["outcome"] == "taken":
                self.withdraw(image["id"], line["revision"])
                done += 1
            else:
                self._revert(image, line["revision"] - 1)
                done += 1
        return done, since

    def _revert(self, image: dict[str, Any], to: int | None) -> int:
        revision = image["annotation_revision"]
        headers = {"If-Match": f'"{revision}"'} if revision else {"If-None-Match": "*"}
        address = f"/images/{image['id']}/annotation/revert"
        return int(
            self._transport.json("POST", address, params={"revision": to}, headers=headers)["revision"]
        )

    def keep_draft(
        self,
        photo: str,
        label_map: str | Path,
        revision: int | None = None,
        active_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Keep an unfinished label map of a photo, in the place of your earlier one. Only you see it.

        `revision` is the annotation's that it goes on from; `active_seconds` is how long you have worked on
        it so far. Returns the draft's document.
        """
        address = f"/images/{self.image_id(photo)}/draft"
        params = {"revision": revision, "active_seconds": active_seconds}
        return dict(self._transport.json("PUT", address, file=Path(label_map), params=params))

    def draft(self, photo: str) -> Draft | None:
        """Your unfinished label map of a photo; None if you have none."""
        response = self._transport.request("GET", f"/images/{self.image_id(photo)}/draft")
        return None if response.status_code == 204 else Draft.of(response)

    def drop_draft(self, photo: str) -> None:
        """Drop your unfinished label map of a photo, if there is one."""
        self._transport.request("DELETE", f"/images/{self.image_id(photo)}/draft")

    def revisions(self, photo: str) -> Iterator[dict[str, Any]]:
        """The revisions of a photo's label map, newest first: who made each, when, its pixels by class."""
        return self._transport.items(f"/images/{self.image_id(photo)}/annotation/revisions")

    def save_revision(self, photo: str, revision: int, target: str | Path) -> Path:
        """Save the label map of a revision, a PNG in the colours of its classes."""
        address = f"/images/{self.image_id(photo)}/annotation?revision={revision}"
        return self._transport.download(address, Path(target))

    def save_thumbnail(
        self, photo: str, target: str | Path, size: int = 256, label_map: bool = False
    ) -> Path:
        """Save a small picture, at most `size` pixels wide and high: a JPEG of the photo.

        With `label_map` a PNG of its label map, in the colours of the classes.
        """
        what = "annotation/thumbnail" if label_map else "thumbnail"
        address = f"/images/{self.image_id(photo)}/{what}?size={size}"
        return self._transport.download(address, Path(target))

    def rename_photo(self, photo: str, name: str) -> dict[str, Any]:
        """Give a photo, named or by its id, another name. Returns the photo's document."""
        return self._change(photo, name=name)

    def exclude(self, photo: str) -> dict[str, Any]:
        """Leave a photo out of selections, trainings and evaluations; `include` takes that back."""
        return self._change(photo, excluded=True)

    def include(self, photo: str) -> dict[str, Any]:
        """Use a photo again that was excluded."""
        return self._change(photo, excluded=False)

    def move(self, photo: str, split: str) -> dict[str, Any]:
        """Move a photo to the other split. If that would leak, the FewpairsError says what to do."""
        return self._change(photo, split=split)

    def _change(self, photo: str, **changes: Any) -> dict[str, Any]:
        address = f"/images/{self.image_id(photo)}"
        while (response := self._transport.request("PATCH", address, json=changes)).status_code == 202:
            settled(Job(self._transport, response.json()))
        return dict(response.json())

    def replace_photo(self, photo: str, file: str | Path, keep: str | Path | None = None) -> dict[str, Any]:
        """Give a photo other bytes, of the same size. Its label map stays; its embedding is made anew.

        The old bytes, which the server removes, are first written to the new file `keep`, if one is given.
        Raises FewpairsError if somebody has replaced the photo in the meantime.
        """
        address = f"/images/{self.image_id(photo)}"
        headers = {"If-Match": f'"{self._transport.json("GET", address)["sha256"]}"'}
        content = f"{address}/content"
        if keep is not None:
            self._transport.download(content, Path(keep))
        return dict(self._transport.json("PUT", content, file=Path(file), headers=headers))

    def delete_photo(self, photo: str, now: bool = False) -> dict[str, Any]:
        """Delete a photo with all that was made of it. Returns `{"kind", "id", "gone_at"}`.

        Until `gone_at` it can be taken back with `undelete_photo`, by its id; with `now` it cannot.
        """
        address = f"/images/{self.image_id(photo)}"
        return dict(self._transport.json("DELETE", address, params={"now": now}))

    def undelete_photo(self, photo_id: str) -> dict[str, Any]:
        """Take the deletion of a photo back. Raises FewpairsError if it is too late."""
        return dict(self._transport.json("POST", f"/images/{photo_id}/undelete"))

    def deleted_photos(self) -> Iterator[dict[str, Any]]:
        """The photos that were deleted and can be taken back."""
        return self._transport.items(f"{self.address}/images", deleted=True)

    def images(
        self, split: str | None = None, annotated: bool | None = None, **options: Any
    ) -> Items[dict[str, Any]]:
        """The pool's images, each as the service describes it. `total` of the answer counts them.

        `options` are `sort` ("added", "name", "pixels" or "uncertainty", with a minus the largest first),
        `contains` (a part of the name), `annotated_by` (a user), `excluded`, `failed` (could not be embedded)
        and `model` (the id of the model whose uncertainty is meant).
        """
        params = {"split": split, "annotated": annotated, **options}
        return Items(self._transport, f"{self.address}/images", dict, **params)

    def image_id(self, name_or_id: str) -> str:
        """The id of the photo of this name (or id) in the pool. Raises FewpairsError if there is none."""
        return image_id(self._transport, self.id, name_or_id)

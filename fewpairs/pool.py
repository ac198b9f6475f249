"""Pools: upload photos, select, annotate, train."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fewpairs.archives import export_pool
from fewpairs.assignment import LEASE_S, Assignment, Assignments
from fewpairs.errors import FewpairsError
from fewpairs.explanation import Explanation, explain
from fewpairs.imports import order_import
from fewpairs.jobs import Job, answer_of, settled
from fewpairs.model import Model
from fewpairs.photos import Photos
from fewpairs.resource import Items
from fewpairs.selection import Selection
from fewpairs.similar import Duplicates, Similar, similar
from fewpairs.streams import Event, followed
from fewpairs.webhooks import Webhooks

LOOK_AGAIN_S = 0.5
STREAM_S = 3600.0
"""How long one connection of `Pool.follow` lasts at most."""
MOST_REMEMBERED = 1000
"""Acts whose repetition is noticed where a stream goes on after a loss."""


class Pool(Photos):
    """A set of photos with one class table and one encoder."""

    def __repr__(self) -> str:
        return f"Pool({self.name!r}, images={self.counts['images']})"

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def is_rgb(self) -> bool:
        """Whether its label maps are images without classes."""
        return bool(self.document["class_table"] == "rgb")

    @property
    def counts(self) -> dict[str, Any]:
        """`images`, `embedded`, `annotated`, in all and per split; `unpaired_label_maps`, `label_sources`;
        `labelled`, the pixels of each class in the annotations (None if there are no classes)."""
        return dict(self.document["counts"])

    def change_classes(
        self,
        change: dict[str, dict[str, Any]] | None = None,
        append: Sequence[dict[str, Any]] = (),
        remove: Sequence[str] = (),
    ) -> "Pool":
        """Rename or recolour classes, append new ones, take the last ones out; what label maps hold never
        changes.

        `change` is by the names of now, `{"obj": {"name": "object", "color": [200, 30, 30]}}`; `append` is
        `[{"name": "sign", "color": …}]`, and a colour that is left out is chosen; `remove` is `["sign"]`. If
        something uses a class to remove, the FewpairsError says what.
        """
        body = {"change": change or {}, "append": list(append), "remove": list(remove)}
        self.document = self._transport.json("PATCH", f"{self.address}/class_table", json=body)
        return self

    def rename(self, name: str) -> "Pool":
        """Give the pool another name."""
        self.document = self._transport.json("PATCH", self.address, json={"name": name})
        return self

    def members(self) -> dict[str, str]:
        """Who works in the pool: roles by names of principals."""
        return {item["name"]: item["role"] for item in self._transport.items(f"{self.address}/members")}

    def share(self, principal: str, role: str) -> None:
        """Give somebody a role in the pool: "viewer", "annotator" or "curator"."""
        self._transport.json("PUT", self._member(principal), json={"role": role})

    def unshare(self, principal: str) -> None:
        """Take somebody's role in the pool away."""
        self._transport.request("DELETE", self._member(principal))

    def _member(self, principal: str) -> str:
        return f"{self.address}/members/{quote(principal, safe='')}"

    def events(self, kind: str | None = None, action: str | None = None) -> Iterator[dict[str, Any]]:
        """What was done to the pool, newest first: `action`, `kind`, `subject_id`, `principal`, …"""
        return self._transport.items(f"{self.address}/events", kind=kind, action=action)

    def follow(self, for_s: float = math.inf) -> Iterator[Event]:
        """What happens in the pool from now on, for so many seconds; by default until you stop it.

        `kind` is `event` (data: something that was done, as in `events`) or `job` (data: a job that changed);
        the first is `following`. If the stream is lost, it goes on with what has happened since.
        """
        end, told = time.monotonic() + for_s, deque[str](maxlen=MOST_REMEMBERED)

        def stream() -> str | None:
            rest = end - time.monotonic()
            return f"{self.address}/events/stream?for_s={min(rest, STREAM_S):g}" if rest > 0 else None

        for event in followed(self._transport, self.address, stream):
            if event.kind != "job":
                name = event.data.get("id", event.kind)
                if name in told:
                    continue
                told.append(name)
            yield event

    @property
    def webhooks(self) -> Webhooks:
        """The addresses that are told what happens in the pool."""
        return Webhooks(self._transport, f"{self.address}/webhooks")

    def import_annotations(
        self,
        export: str | Path,
        format: str,
        *,
        mapping: Mapping[str, str | None] | None = None,
        dry_run: bool = False,
        replace: bool = False,
    ) -> Job:
        """Start an import of another tool's export: a folder, a zip, a tar or a JSON.

        `format` is one of `formats.catalog.FORMATS`. `mapping` gives the class (None: unlabelled) of labels
        that the pool does not have; the pool keeps it. With `dry_run` the job only says what would happen.
        With `replace` annotations that the photos have now are replaced.
        """
        return order_import(
            self._transport,
            self.id,
            Path(export),
            format,
            mapping=mapping or {},
            dry_run=dry_run,
            replace=replace,
        )

    def draw_scenes(self, count: int = 100, seed: int = 0, labelled: str = "test") -> Job:
        """Start drawing street scenes into a pool of the classes "scenes": a quarter of them are test photos.

        With `labelled` "test" only test photos get their label maps, with "all" all photos do.
        """
        body = {"count": count, "seed": seed, "labelled": labelled}
        document = self._transport.json("POST", f"{self.address}/scenes", json=body, once=True)
        return Job(self._transport, document)

    def export_annotations(
        self, format: str, *, picks: bool = False, revisions: bool = False, predictions: str | None = None
    ) -> Job:
        """Start an export for another tool; `download` of the finished job gets the zip.

        `format` is one of `formats.catalog.FORMATS`. `picks` adds those of the newest selection, `revisions`
        the earlier ones, and `predictions`, the id of an evaluation, what its model predicted.
        """
        params = {"format": format, "picks": picks, "revisions": revisions, "predictions": predictions}
        address = f"{self.address}/exports"
        document = self._transport.request("POST", address, params=params, once=True).json()
        return Job(self._transport, document)

    def export(self, path: str | Path, on_wait: Callable[[Job], None] | None = None) -> Path:
        """Write the whole pool into a zip, for `Client.import_pool`; call it again to resume.

        It holds photos, label maps with all revisions, selections, models, evaluations, embeddings, events.
        """
        return export_pool(self._transport, self.id, Path(path), on_wait)

    def select(
        self,
        budget: int,
        strategy: str | None = None,
        seed: int = 0,
        on_wait: Callable[["Pool"], None] | None = None,
        **options: Any,
    ) -> Selection:
        """The `budget` photos to label next; waits until every photo is embedded. Raises JobFailed.

        Without `strategy` it is the pool's default strategy; "advised" is the one of `advice`.
        `options` are `split` ("train" or "test"), `name` (a glob), `include`, `exclude` and `candidates` (ids
        of images: picked first in any case, never picked, the only ones that may be picked), `or_fewer`
        (True: if fewer than `budget` can be picked, they are; otherwise that is refused),
        `duplicates_within` (a distance or "auto": nearer photos count as one), `test_distance` ("auto", a
        distance or "off": train photos this near to a test photo are left out), `balance` (True: photos like
        those with rare classes count more) and `model` (an id: photos that this model doubts count more).
        `on_wait(pool)` is called while this waits, with fresh counts.
        """
        asked = {"budget": budget, "strategy": strategy, "seed": seed, **options}
        body = {name: value for name, value in asked.items() if value is not None}
        failed_before = self._newest_failed_embedding()
        while True:
            try:
                response = self._transport.request("POST", f"{self.address}/select", json=body)
            except FewpairsError as error:
                if error.type != "pool-not-embedded":
                    raise
                # The request has started failed jobs again; a job that fails after that would always fail.
                failed = self._newest_failed_embedding()
                if failed and (failed_before is None or failed.id != failed_before.id):
                    failed.require_success()
                if on_wait:
                    on_wait(self.refresh())
                time.sleep(LOOK_AGAIN_S)
                continue
            if response.status_code == 200:
                return Selection(self._transport, response.json())
            job = settled(Job(self._transport, response.json()))
            if job.state == "succeeded":
                return Selection.get(self._transport, job.result["selection_id"])

    def assign(
        self,
        count: int = 1,
        lease_s: float = LEASE_S,
        selection: Selection | str | None = None,
        annotator: str | None = None,
    ) -> Assignments:
        """Take free picks until you have `count` photos in hand; nobody else gets them.

        As a curator you can give them to another member of the pool, the `annotator`.

        The picks come from `selection` (or the selection of this id), by default the newest of train photos.
        Asking again renews the leases.
        """
        selection_id = selection.id if isinstance(selection, Selection) else selection
        body = {"count": count, "lease_s": lease_s, "selection_id": selection_id}
        body |= {"annotator": annotator} if annotator else {}
        answer = self._transport.json("POST", f"{self.address}/assignments", json=body)
        return Assignments(self._transport, answer)

    def assignments(self, annotator: str | None = None, is_open: bool | None = None) -> Iterator[Assignment]:
        """The pool's assignments, newest first: all, or with `is_open` those that are open or have ended."""
        params = {"annotator": annotator, "open": is_open}
        for item in self._transport.items(f"{self.address}/assignments", **params):
            yield Assignment(self._transport, item)

    def selections(self, split: str | None = None) -> Items[dict[str, Any]]:
        """The pool's selections, newest first, each without its picks: `id`, `strategy`, `budget`, `seed`,
        `split`, `pick_count`, `labelled_count` and `created_at`. `Client.selection` gets one as a whole.
        """
        return Items(self._transport, f"{self.address}/selections", dict, split=split)

    def newest_selection(self) -> Selection:
        """The newest selection of train photos. Raises FewpairsError if there is none."""
        newest = next(self._transport.items(f"{self.address}/selections", split="train", limit=1), None)
        if newest is None:
            raise FewpairsError(
                f"The pool {self.name} has no selection of train photos: make one with `fewpairs select`.",
                type="no-selection",
            )
        return Selection.get(self._transport, newest["id"])

    def explain(self, selection_id: str | None = None) -> Explanation:
        """Explain why the photos of a selection are worth labelling; by default the newest of train photos.

        Raises JobFailed.
        """
        return explain(self._transport, selection_id or self.newest_selection().id)

    def similar(self, photo: str | Path, limit: int = 12) -> Similar:
        """The photos most like a photo of the pool, given by name or id, or most like a local file."""
        return similar(self._transport, self.id, photo, limit)

    def map(self, share_of: str | None = None, model: str | None = None) -> dict[str, Any]:
        """The embedded photos as points in a plane, in columns: `image_ids`, `x`, `y`, `cluster`, `test`, …

        With `share_of`, a class, also its `share` of each label map; with `model`, an id, also its
        `uncertainty` of each photo. Raises JobFailed.
        """
        answer = answer_of(self._transport, f"{self.address}/map", share_of=share_of, model=model)
        return dict(answer.json())

    def duplicates(self, within: float | str = "auto") -> Duplicates:
        """The photos of both splits that are nearly the same; `within` is a distance, or "auto"."""
        answer = answer_of(self._transport, f"{self.address}/duplicates", within=within)
        return Duplicates(answer.json())

    def _newest_failed_embedding(self) -> Job | None:
        return next(self.jobs(state="failed", kind="embed"), None)

    def advice(self, device: str | None = None) -> dict[str, Any]:
        """How to train on what is annotated, and what to label next.

        `training`, `preview`, `paper` and `labels` are None or have `reasons`. `device` is "cpu" or "cuda";
        None: where the service says that trainings run.
        """
        answer = self._transport.request("GET", f"{self.address}/advice", params={"device": device})
        return dict(answer.json())

    def train(
        self,
        method: str | None = None,
        recipe: str | None = None,
        pairs: Sequence[str] | None = None,
        label_sources: Sequence[str] | None = None,
        start_from: Model | str | None = None,
        **options: Any,
    ) -> Job:
        """Start a training on the annotated photos, or on those whose ids are `pairs`.

        `label_sources` names the sources of unpaired label maps to learn from; `annotations` stands for the
        label maps of the pairs; None means all sources.

        `start_from` is a model of the pool, or its id, with the same method and networks: the training starts
        with its weights. Without `method` and `recipe` it is the training that `advice` says. `options`
        override the recipe: total_steps, image_size, batch_size, seed, …
        """
        document = self._transport.json(
            "POST",
            f"{self.address}/trainings",
            json={
                "method": method,
                "recipe": recipe,
                "options": options,
                "start_from": start_from.id if isinstance(start_from, Model) else start_from,
                "pairs": list(pairs) if pairs is not None else None,
                "label_sources": list(label_sources) if label_sources is not None else None,
            },
            once=True,
        )
        return Job(self._transport, document)

    def import_model(self, path: str | Path, name: str | None = None) -> Model:
        """Send an ONNX file that was trained elsewhere; its name is `name`, by default the file's name.

        Its input is `photo`, float32 (B, 3, S, S), RGB in [−1, 1]. Its output is the logits of the pool's
        classes; or an RGB image in [−1, 1] if the output is named `translation`.
        """
        response = self._transport.request(
            "POST",
            f"{self.address}/models",
            params={"name": name or Path(path).name},
            file=Path(path),
        )
        return Model(self._transport, response.json())

    def models(self, contains: str | None = None, sort: str = "-added") -> list[Model]:
        """The pool's models, newest first, or those with `contains` in their name, method or recipe.

        `sort` is "added", "name" or "method", with a minus the largest first.
        """
        found = self._transport.items(f"{self.address}/models", contains=contains, sort=sort)
        return [Model(self._transport, document) for document in found]

    def jobs(
        self,
        state: str | None = None,
        kind: str | None = None,
        contains: str | None = None,
        sort: str = "-added",
    ) -> Items[Job]:
        """The pool's jobs, newest first; the parameters are those of `Client.jobs`."""
        wanted = {"state": state, "kind": kind, "contains": contains, "sort": sort}
        return Items(self._transport, "/jobs", partial(Job, self._transport), pool=self.id, **wanted)

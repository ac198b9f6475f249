"""Evaluations: the scores of a model, image by image."""

from itertools import islice
from pathlib import Path
from typing import Any

from fewpairs.resource import Items, Resource


class Evaluation(Resource):
    """The scores of one model on one split."""

    collection = "/evaluations"

    def __repr__(self) -> str:
        return f"Evaluation({self.document['direction']} on {self.document['split']}, {self.id})"

    @property
    def metrics(self) -> dict[str, Any]:
        """The scores over all images."""
        return dict(self.document["metrics"])

    def confusion(self) -> dict[str, Any]:
        """`{"classes", "pixels"}`: the number of pixels by true class, and in each by predicted class."""
        return dict(self._transport.json("GET", f"{self.address}/confusion"))

    def images(self, sort: str = "score", contains: str | None = None) -> Items[dict[str, Any]]:
        """Each image as `{"image_id", "name", "score", "scores"}`; only those with `contains` in their names.

        `sort` is "score" or "name", with a minus the largest first. `total` of the answer counts them.
        """
        return Items(self._transport, f"{self.address}/images", dict, sort=sort, contains=contains)

    def worst(self, count: int) -> list[dict[str, Any]]:
        """The images with the lowest scores."""
        return list(islice(self.images(), count))

    def save_prediction(self, image_id: str, target: str | Path) -> Path:
        """Write the prediction for an image as a PNG: the label map, or the RGB image, that was scored.

        For `labels_to_photos` it is the photo that the model made from the image's annotation.
        """
        return self._transport.download(f"{self.address}/images/{image_id}/prediction", Path(target))

    def save_thumbnail(self, image_id: str, target: str | Path, size: int = 256) -> Path:
        """Write a small picture of the prediction, a PNG at most `size` pixels wide and high, in colours."""
        address = f"{self.address}/images/{image_id}/prediction/thumbnail?size={size}"
        return self._transport.download(address, Path(target))

"""Models: translators, their files, and their translations of photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewpairs.jobs import Job
from fewpairs.resource import Resource
from models.catalog import DEFAULT_TEST_TIME, PHOTOS_TO_LABELS


@dataclass(frozen=True)
class Translation:
    """One translated image: `content` is a PNG, class indices with a palette of their colours, or RGB."""

    content: bytes

    def save(self, path: str | Path) -> Path:
        """Write the PNG. Missing folders are created."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.content)
        return target


class Model(Resource):
    """One translator, trained here or imported."""

    collection = "/models"

    def __repr__(self) -> str:
        return f"Model({self.method} {self.id})"

    @property
    def pool_id(self) -> str:
        return str(self.document["pool_id"])

    @property
    def method(self) -> str:
        """The training method, or onnx for an imported model."""
        return str(self.document["method"])

    @property
    def spec(self) -> dict[str, Any]:
        """The configuration of its training, or the description of an imported model."""
        return dict(self.document["spec"])

    @property
    def files(self) -> list[dict[str, Any]]:
        """`{"name", "sha256", "size_bytes"}` of each file."""
        return list(self.document["files"])

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """Each evaluation as `{"id", "split", "direction", "scorer_id", "metrics", …}`, oldest first."""
        return list(self.document["evaluations"])

    def download(self, directory: str | Path) -> list[Path]:
        """Write every file of the model into a folder. The folder is created if it is missing."""
        return [self.download_file(file["name"], Path(directory) / file["name"]) for file in self.files]

    def download_file(self, name: str, target: str | Path) -> Path:
        """Write one file, `samples.png` for example, to `target`."""
        return self._transport.download(f"{self.address}/files/{name}", Path(target))

    def evaluate(
        self,
        split: str = "test",
        direction: str = PHOTOS_TO_LABELS,
        scorer: str | None = None,
        test_time: str = DEFAULT_TEST_TIME,
    ) -> Job:
        """Start an evaluation on the annotated images of a split.

        `job.wait().scores` has the scores, `job.evaluation` those of each image. With `labels_to_photos` the
        photos that the model makes from the label maps are scored, by the model whose id is `scorer`.
        `test_time`: none, flip or scales, the views of a photo over which probabilities are averaged.
        """
        order = {"split": split, "direction": direction, "scorer": scorer, "test_time": test_time}
        document = self._transport.json(
            "POST",
            f"/pools/{self.pool_id}/evaluations",
            json={"model_id": self.id, **order},
            once=True,
        )
        return Job(self._transport, document)

    def translate(
        self,
        image: str | Path,
        format: str | None = None,
        direction: str = PHOTOS_TO_LABELS,
        test_time: str = DEFAULT_TEST_TIME,
    ) -> Translation:
        """Translate a photo into its label map.

        With `format="rgb"`, and in a pool without classes, the answer is the RGB image that the network drew.
        With `direction="labels_to_photos"` the image is a label map, and the answer a photo. `test_time` as
        for `evaluate`.
        """
        response = self._transport.request(
            "POST",
            f"{self.address}/translate",
            params={"format": format, "direction": direction, "test_time": test_time},
            file=Path(image),
            once=True,
        )
        if response.status_code == 202:
            job = Job(self._transport, response.json()).wait()
            response = self._transport.request("GET", f"/jobs/{job.id}/output", params={"format": format})
        return Translation(response.content)

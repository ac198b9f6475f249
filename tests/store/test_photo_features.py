"""Features of photos, which an encoder computes once."""

from store import jobs, photo_features, pools
from store.database import Database
from store.settings import Settings
from store.tables import Image, PhotoFeatures, new_id


def test_features_that_are_there_stay(database: Database) -> None:
    """If two workers keep the same features, the first blob stays; the second adds only new ones."""
    first, second = new_id(), new_id()

    def features(image_id: object, content: str) -> PhotoFeatures:
        return PhotoFeatures(
            image_id=image_id, weights_digest="e" * 64, view="whole", sha256=content * 64, size_bytes=2
        )

    with database.write() as session:
        pool_id = pools.create(session, name="p", class_table=None, encoder="resnet50").id
        job = jobs.create(session, Settings(), kind="embed", pool_id=pool_id, spec={})
        values = {"split": "train", "size_bytes": 1, "media_type": "image/png"}
        values |= {"width": 1, "height": 1, "embed_job_id": job.id, "pool_id": pool_id}
        photos = {first: "a" * 64, second: "b" * 64}
        session.add_all(Image(id=id, name=id.hex, sha256=sha, **values) for id, sha in photos.items())
    with database.write() as session:
        photo_features.add(session, [features(first, "1")])
    with database.write() as session:
        photo_features.add(session, [features(first, "2"), features(second, "3")])
    with database.read() as session:
        found = photo_features.of_images(session, [first, second])
        assert {(photo, row.sha256) for photo, row in found} == {("a" * 64, "1" * 64), ("b" * 64, "3" * 64)}
        assert [photo for photo, _ in photo_features.of_images(session, [second])] == ["b" * 64]
        assert photo_features.images_by_sha256(session, [second]) == {"b" * 64: second}

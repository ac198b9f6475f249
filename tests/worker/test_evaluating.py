import threading

from store import trainings
from tests.worker.factories import Pools, scene
from worker.attempt import Tools
from worker.run import run


def test_a_split_without_annotations_fails_for_good(
    tools: Tools, pools: Pools, shutdown: threading.Event
) -> None:
    """The job says that the split has to be annotated, before it looks for the model."""
    pool_id = pools.pool()
    pools.photos(pool_id, [scene(1)[0]], "test")
    job_id = pools.job(pool_id, "evaluate", {"model_id": str(pool_id), "split": "test"})

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert job.state == "failed"
    assert job.error
    assert job.error["type"] == "no-annotated-images"


def test_the_newest_annotation_counts(tools: Tools, pools: Pools) -> None:
    """Of two revisions an evaluation reads the later one; a training reads the one in its spec."""
    pool_id = pools.pool()
    _, [image_id, bare] = pools.photos(pool_id, [scene(1)[0], scene(2)[0]])
    pools.annotation(image_id, scene(1)[1], revision=1)
    pools.annotation(image_id, scene(3)[1], revision=2)

    with tools.database.read() as session:
        [(image, annotation)] = trainings.annotated(session, pool_id, "train")
        [(_, frozen)] = trainings.pairs(session, [(str(image_id), 1)])
    assert (image.id, annotation.revision, frozen.revision) == (image_id, 2, 1)
    assert bare != image_id

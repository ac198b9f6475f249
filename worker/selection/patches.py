"""The patch features of a selection's candidates; shards from before there were any get them first."""

import numpy as np

from models.catalog import STRATEGIES
from models.encoders import embed_batches
from models.encoders.encoder import Encoder
from models.encoders.patches import DIMENSION, GRID
from models.selection import Patches
from store import embeddings, jobs
from store.question import Question
from store.tables import Pool, Shard
from worker.arrays import kept
from worker.attempt import Attempt
from worker.handlers.embed import weights_mismatch
from worker.outcomes import Permanent
from worker.selection.candidates import Candidates


def candidates_patches(
    attempt: Attempt, question: Question, pool: Pool, candidates: Candidates
) -> Patches | None:
    """The patches of the candidates, or None if the strategy needs none.

    Raises Permanent if the pool's encoder gives none.
    """
    facts = STRATEGIES.get(question.strategy)  # the selection itself refuses an unknown one
    if facts is None or not facts.patches:
        return None
    _complete(attempt, pool)
    vectors = attempt.tools.vectors.pool_vectors(pool.id)
    features = attempt.tools.patches.pool_patches(pool.id)
    return Patches(features, vectors.rows(image.id for image in candidates.images))


def _complete(attempt: Attempt, pool: Pool) -> None:
    """Compute the patches of every shard that has none; each is kept at once."""
    with attempt.tools.database.read() as session:
        waiting = embeddings.shards_without_patches(session, pool.id)
    if not waiting:
        return
    encoder = attempt.tools.networks.encoder(pool.encoder)
    if encoder.weights_digest != pool.weights_digest:
        raise weights_mismatch(pool, encoder.weights_digest)
    if not encoder.gives_patches:
        raise Permanent(
            "no-patches",
            f"The encoder {pool.encoder} describes whole photos only, and this strategy needs their patches: "
            "take another strategy, or a pool with the encoder efficientnet_lite0 or resnet50.",
        )
    for shard in attempt.each(waiting):
        sha256 = _computed(attempt, encoder, shard)
        with attempt.tools.database.write() as session:
            jobs.hold(session, attempt.claim)
            embeddings.add_patches(session, shard.id, sha256)


def _computed(attempt: Attempt, encoder: Encoder, shard: Shard) -> str:
    """Compute and keep the patches of a shard's images; zeros for one that cannot be embedded any more."""
    with attempt.tools.database.read() as session:
        digests = embeddings.photo_digests(session, shard)
    patches = np.zeros((len(digests), GRID**2, DIMENSION), np.float16)
    with attempt.files(digests) as paths:
        for batch in embed_batches(encoder, paths):
            attempt.lease.check()
            failed = [failure.index for failure in batch.failures]
            assert batch.patches is not None
            patches[np.setdiff1d(np.arange(batch.start, batch.stop), failed)] = batch.patches
    return kept(attempt.tools.blobs, patches)

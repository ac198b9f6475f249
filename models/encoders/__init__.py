"""Encoders: photos in, embeddings out (paper §3.2: a pre-trained network's penultimate features)."""

from models.encoders.decoding import read_square
from models.encoders.embedding import EmbeddedBatch, embed_batches, embed_files, embed_with_patches
from models.encoders.encoder import ENCODERS, Encoder, load_encoder
from models.encoders.networks import PHOTO_SIZE
from models.encoders.weights import WeightsUnavailable

__all__ = [
    "ENCODERS",
    "PHOTO_SIZE",
    "EmbeddedBatch",
    "Encoder",
    "WeightsUnavailable",
    "embed_batches",
    "embed_files",
    "embed_with_patches",
    "load_encoder",
    "read_square",
]

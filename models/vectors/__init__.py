"""Vectors of a pool: points in blocks, on all threads, and the distances between them."""

"""A pool's embeddings as points: read in blocks, on all threads, with the distances between them."""

"""What a worker keeps between jobs: networks in memory, embeddings on disk."""

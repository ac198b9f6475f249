"""The HTTP API: a web of nouns over the store. It loads neither torch, numpy nor faiss."""

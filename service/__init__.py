"""The HTTP API, one folder per noun. It loads neither torch, numpy nor faiss."""

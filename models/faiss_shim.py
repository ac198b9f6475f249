"""The one place that imports FAISS: `from models.faiss_shim import faiss`.

Two packages provide it under one import name, faiss-cpu and faiss-gpu. Only one of them may be installed.
"""

try:
    import faiss
except ImportError as error:
    raise ImportError(
        "FAISS is not installed: run `pip install 'fewpairs[models]'`, or `pip install 'fewpairs[gpu]'` on a "
        "machine with an NVIDIA GPU.",
        name="faiss",
    ) from error

__all__ = ["faiss"]

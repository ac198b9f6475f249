"""Files that operating systems leave in folders and archives, and that nobody means to send."""

FOLDERS = {"__macosx", "@eadir", "$recycle.bin"}
FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini"}


def is_junk(path: str) -> bool:
    """Whether a relative path is hidden, or what macOS, Windows or a file server adds by itself."""
    *folders, file = path.casefold().split("/")
    hidden = any(part.startswith(".") and part not in (".", "..") for part in (*folders, file))
    return hidden or file in FILES or not FOLDERS.isdisjoint(folders)

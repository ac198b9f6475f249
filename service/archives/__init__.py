"""Archives: a whole pool in one file, to move it to another server."""

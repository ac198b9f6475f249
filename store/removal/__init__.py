"""Remove rows for good, with all that belongs to them; their blobs leave after the commit."""

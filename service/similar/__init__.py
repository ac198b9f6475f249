"""Images that look alike: neighbours of one, and duplicates in a pool."""

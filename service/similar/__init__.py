"""Similar images: neighbours of an image or a photo, and duplicates in a pool."""

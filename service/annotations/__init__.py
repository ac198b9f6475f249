"""Annotations: the accepted label maps of images, kept as revisions."""

"""Annotations: the accepted label maps of images, in revisions."""

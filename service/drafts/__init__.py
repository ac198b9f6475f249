"""Drafts: unfinished label maps, each of one person and one image, kept until they become annotations."""

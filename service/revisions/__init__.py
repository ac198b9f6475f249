"""Revisions: all label maps that an image has had."""

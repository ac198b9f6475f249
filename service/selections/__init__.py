"""Selections: which images to label with a budget."""

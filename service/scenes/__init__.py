"""Drawn street scenes: photos with label maps for whoever has none at hand."""

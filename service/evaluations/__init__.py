"""Evaluations: the scores of a model, image by image."""

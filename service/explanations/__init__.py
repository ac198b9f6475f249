"""Explanations: why a selection is good, as numbers and as pictures."""

"""Explanations of the types of problems."""

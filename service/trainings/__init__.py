"""Trainings, as they are ordered."""

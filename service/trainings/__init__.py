"""Trainings: ordering them."""

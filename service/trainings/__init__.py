"""Trainings: the orders, and what they may contain."""

"""Unpaired label maps: those that belong to no photo of their pool."""

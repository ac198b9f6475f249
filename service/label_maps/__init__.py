"""Unpaired label maps, which belong to no photo of their pool."""

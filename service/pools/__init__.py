"""Pools: their class table and encoder, and counts of their images."""

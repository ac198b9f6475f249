"""Pools: what they are made of and how much is in them."""

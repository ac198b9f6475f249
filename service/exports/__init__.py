"""Exports: the label maps of a pool in the formats of other tools."""

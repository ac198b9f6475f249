"""Keeps the data of a server whole and bounded: what is left over, what is damaged, what takes space."""

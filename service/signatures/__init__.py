"""Signatures: for addresses that a browser asks without a key."""

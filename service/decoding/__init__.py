"""Decoding what users send, in processes with bounded memory and time."""

"""Decode files from users, in processes with limited memory and time."""

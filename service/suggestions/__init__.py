"""Suggestions: label maps that the program proposes."""

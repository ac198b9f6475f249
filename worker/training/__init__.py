"""The training subprocess, its input, and its supervisor."""

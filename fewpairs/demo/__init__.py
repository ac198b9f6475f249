"""The demo: the whole loop on this machine, compared with a random selection."""

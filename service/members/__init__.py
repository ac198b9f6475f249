"""Who works in a pool."""

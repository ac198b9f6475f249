"""Events: what was done to a pool and can be taken back."""

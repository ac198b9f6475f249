"""Training a translator in a run directory that survives being killed."""

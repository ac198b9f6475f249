"""Embedded mode: database, broker, API and workers on one machine, started and watched by one process."""

"""The doctor: what of the whole server's data is damaged, and what takes space."""

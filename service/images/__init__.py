"""Photos and unpaired label maps: how they are taken in, checked, listed and shown."""

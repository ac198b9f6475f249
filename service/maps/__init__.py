"""Maps: the photos of a pool as points in a plane."""

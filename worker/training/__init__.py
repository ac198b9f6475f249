"""The training subprocess and what watches over it."""

"""Advice: how to train on what a pool has, and what to label next."""

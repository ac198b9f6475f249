"""Webhooks: addresses that are told what happens in a pool."""

"""Servers downloaded and built once, into the cache: idempotent, and whole or not at all."""

"""Backends for the untimed tests, and the cases that are made once for all of them."""

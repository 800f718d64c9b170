"""Backends that are wrong on purpose, to test the gate with; plugins, named by their files."""

"""The pages, tables and texts that a reader sees, with their templates.

Imports every other room; only the command line imports it.
"""

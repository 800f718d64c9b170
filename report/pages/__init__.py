"""The pages, tables and texts that a reader sees, with their templates.

The top floor: imports every other room.
"""

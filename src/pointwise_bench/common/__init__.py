"""What every part must agree on: the words of a status, the formats of files, the core count, the heavy packages.

Imports nothing of the project and nothing heavy, so that anybody may import it. Whatever stands here stands nowhere
else; ``tests/project/test_one_place.py`` holds that.
"""

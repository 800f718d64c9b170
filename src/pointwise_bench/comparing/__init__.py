"""Two versions of a plugin, or of the project's backends, measured in the same rounds: ``compare --against``.

The harness, its contract and its gate are those of the version that is here, for both: two harnesses could take no
turns with each other, and would measure by two rules.
"""

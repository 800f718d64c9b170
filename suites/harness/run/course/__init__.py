"""The course of a run: which passes there are, over which problems, and who takes part in them."""

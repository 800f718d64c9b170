"""Who would harm the run, its results or its rivals."""

"""Who would get a time without the work: by remembering, by putting it off, by looking for the answer."""

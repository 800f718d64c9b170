"""What the correctness suite asks of backends, of whom, and what became of it."""

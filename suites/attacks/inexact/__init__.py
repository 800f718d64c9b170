"""Who computes something else than was asked, where few look: numbers that are rare, or none."""

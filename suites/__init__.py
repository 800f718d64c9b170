"""What is asked: the catalogue of layers, and the tests and sweeps that measure them."""

"""What the torch backends share: on the CPU, on CUDA, as a convolution, as matrix products, compiled."""

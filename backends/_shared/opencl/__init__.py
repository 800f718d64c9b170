"""What the OpenCL backends share: binding, kernels, the layer that enqueues them, and the device as a backend."""

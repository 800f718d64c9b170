"""For programs in PyTorch: a model whose layers are computed in the ways that are fastest on this machine.

``optimize`` takes a model and returns another that shares all its parameters. From the ground up: ``activations``,
``sites`` (a layer with what follows it) and ``tracing`` read a model; ``folding``, ``own_kernel`` and ``ways`` compute
a site; ``agreement`` and ``choosing`` decide who does; ``program`` is the whole for one shape, ``programs`` all of
them with ``state``, which notices changes; ``paired_times`` holds the result against the model as it was.

Nothing imports it. PyTorch is imported inside functions only.
"""

from pointwise_bench.torch.optimize import OptimizedSite, Report, optimize

__all__ = ["OptimizedSite", "Report", "optimize"]

"""For programs in PyTorch: a model whose 1x1 convolutions are planned by the wisdom of this machine.

``optimize`` takes a model and returns another that shares all its parameters. From the ground up: ``planned_site`` is
one convolution with what follows it, planned for each shape that it meets; ``sites`` finds them in a traced model;
``paired_times`` holds the result against the model as it was; ``optimize`` puts them together and decides.

Stands on ``pointwise_bench.wisdom``, and nothing imports it. PyTorch is imported inside functions only.
"""

from pointwise_bench.torch.optimize import OptimizedSite, Report, optimize

__all__ = ["OptimizedSite", "Report", "optimize"]

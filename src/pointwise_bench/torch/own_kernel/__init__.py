"""The project's own kernel in a model of PyTorch: ``words`` (what compiled code is told), ``finishing`` (what follows the
sums), ``team`` (PyTorch's threads) and ``layer`` (all of it together).
"""

"""The project's own kernel in a model of PyTorch.

``words`` is what the compiled code is told, ``finishing`` that code with all that follows the sums, ``team`` the threads
of PyTorch, and ``layer`` all of it together.
"""

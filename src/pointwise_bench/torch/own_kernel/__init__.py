"""The project's own kernel in a model of PyTorch.

``words`` is what the compiled code is told, ``finishing`` that code with all that follows the sums, ``team``
PyTorch's threads, and ``layer`` all of it together. ``depthwise`` does the same for depthwise convolutions, by the sums
of ``depthwise_code``, which is told ``depthwise_words``.
"""

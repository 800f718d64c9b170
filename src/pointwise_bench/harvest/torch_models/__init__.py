"""Layers of models that PyTorch can run: a module of Python, a model by its name, a TorchScript file.

``recorder`` watches one forward pass, ``aten`` knows what PyTorch's operators do, ``modules`` and ``scripts`` make the
models.
"""

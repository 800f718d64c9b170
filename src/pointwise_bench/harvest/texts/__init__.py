"""Layers from texts that people have at hand: lists, logs and tables of layers, without the model.

``kinds`` tells one text from another by its content; each of the others reads one kind.
"""

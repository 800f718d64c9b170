"""Layers of an ONNX file: read as bytes, never executed, and without the package ``onnx``.

``wire`` reads protobuf, ``records`` the messages of ONNX that matter here, ``small_values`` the numbers that sizes are
computed from, ``shapes`` the sizes of all results, and ``layers`` the operations.
"""

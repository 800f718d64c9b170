"""A whole model, optimised, beside itself as it was, ``torch.compile`` and ONNX Runtime: ``pointwise-bench optimize``.

From the ground up: ``subject`` makes the model, ``turns`` times calls of whatever it is given, ``onnx_process`` and
``contestants`` are the ways to compute the model, ``start`` measures them in a process of its own, ``starts`` begins
such processes, ``models_file`` keeps what they found beside the runs of the machine, and ``command`` is what a user
calls. What the figures mean is the report's to say.

Nothing imports it. PyTorch is imported inside functions only.
"""

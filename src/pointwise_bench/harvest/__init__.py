"""The pointwise layers of a model that somebody has, as a file of layers that ``--shapes`` takes.

Data, in the order in which they come to be:

- an *operation* (``operations.py``): one piece of a model that multiplies and adds, as its source tells it: a
  convolution of any kernel, a linear layer, or anything else by its multiply-adds alone. A *harvested model* is a list
  of them.
- a *node* (``dataflow.py``): where a source knows who reads whose result, it gives nodes, and what stands right behind
  a convolution (batch normalisation, an activation) is found here for all sources alike.
- a *pointwise layer* or a *left-out operation* (``pointwise.py``): an operation that ``Problem`` can express, or the
  reason why not.
- the text of a file (``layer_file.py``): equal layers merged with their counts, and comments that weigh what is
  missing.

Who owns what: one module or folder for each kind of source (``onnx_file/``, ``torch_models/``,
``exported_program.py``, ``texts/``), each of which turns what the user named into a harvested model, and knows nothing
of problems or files of layers. ``sources.py`` alone knows which kinds there are. ``safely.py`` reads what may end the
process that reads it in one of its own, with limits.

Imports point down: command line -> sources -> one source -> dataflow -> operations, and command line -> layer_file ->
pointwise -> operations. Of the project nothing else is imported but ``backends.problem`` and ``common``; torch, timm
and torchvision only inside functions, by the sources that need them.
"""

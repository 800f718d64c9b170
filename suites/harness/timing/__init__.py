"""The timed layer: a backend's layer prepared, asked, timed and asked again in a worker, and its judge, who is in none.

In the worker: ``timed_layer`` and what it calls. On the harness's side: ``judge``. ``clock`` is where time is read,
``device_clock`` where a device's own is. Imports ``verify``, ``machine`` and what is below them.
"""

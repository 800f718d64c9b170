"""The timed layer: a backend's layer prepared, verified, timed and verified again, in whichever process it runs.

``clock`` is where the clock is read, ``device_clock`` where a device's own is. Imports ``verify``, ``machine`` and
what is below them.
"""

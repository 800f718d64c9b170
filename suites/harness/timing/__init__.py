"""The timed layer in whichever process it runs: its inputs in rotation, the clock, and the processors' time.

Imports ``verify``, ``machine`` and what is below them.
"""

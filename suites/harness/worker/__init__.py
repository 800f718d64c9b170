"""The worker process that a backend has to itself: how it is started, asked, limited and killed.

In the harness's process: pool, clients, process, channel, limits, watchdog. Between the two: starting.keeper. In the
worker: main, handlers. Imports ``claims``, ``timing`` and what is below them.
"""

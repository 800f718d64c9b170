"""What is measured: the catalogue of layers and the claims, the tests that time and verify them, and the harness.

Imports the contract and the registry of ``backends``, and no backend.
"""

"""What several backends share, and no backend itself: arrays, gradients, half precision, and what one library needs.

Imports the contract and other helpers.
"""

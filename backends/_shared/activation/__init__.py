"""What follows the sum, for backends that have no kernel of their own for it: one file for each kind of library.

ReLU stays where a backend has it. Everything else is applied to the result, in place, inside the call that is timed.
"""

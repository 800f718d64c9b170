"""What cases are made of, drawn anew for each problem: real numbers, whole ones, residuals, and numbers of odd sizes.

The plain reference would take six times the work of one product. What is done instead gives the same answers, and a
test holds all of them to the reference: see the comments at each step. Imports what lies beside it in ``verify``.
"""

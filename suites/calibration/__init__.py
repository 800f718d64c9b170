"""The harness measures itself: what its verdicts are worth on the machine at hand."""

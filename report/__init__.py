"""What a run means: timings with intervals, paired verdicts, a page, and the comparison of two runs.

The report reads only what a run wrote to disk; it never imports the suites that wrote it, so an old run can be read
on a machine that could not repeat it.
"""

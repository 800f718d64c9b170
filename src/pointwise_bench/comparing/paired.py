"""The course of a comparison of two versions: laid out, measured, measured again where one is slower, and judged."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pointwise_bench.backends import registry
from pointwise_bench.common.formats import RUN_FILE
from pointwise_bench.comparing.changes import VersionChange, changes_between, confirmed
from pointwise_bench.comparing.request import filled_in, words_of_run
from pointwise_bench.comparing.verdict_table import as_markdown, as_text, failing, legend, summary
from pointwise_bench.comparing.versions import BothVersions, WhatToCompare, both_versions
from pointwise_bench.report.__main__ import main as report
from pointwise_bench.report.pages.run_analysis import RunAnalysis, analyse
from pointwise_bench.report.reading.run import load_run
from pointwise_bench.run import WhatWasRun, measured
from pointwise_bench.suites import pytest_plugin
from pointwise_bench.suites.harness.record.run_folder import RunFolder
from pointwise_bench.suites.harness.worker.plugin_loading import declarations

FAILED: Final = 1
INTERRUPTED: Final = 2
"""Exit codes; the second is pytest's."""
TABLE: Final = "against.md"
"""The table of verdicts, in the folder of the run."""


def compared(options: argparse.Namespace) -> int:
    """Measure both versions, print the verdicts and write them down; the exit code."""
    if options.run is not None:
        filled_in(options, load_run(options.run).settings["options"])
    registry.load_elsewhere(declarations)
    asked = WhatToCompare(
        options.against,
        options.plugin or (),
        options.backend or (),
        options.results / "environments",
        options.build,
    )
    # Beside the run and not in it: whoever reads the run has the commit, and the repository the files.
    with tempfile.TemporaryDirectory(prefix="pointwise-bench-against-") as folder:
        both = both_versions(asked, Path(folder).resolve())
        _say_who(both, options.against)
        code, left = measured(words_of_run(options, [*both.names, *both.names.values()]))
        if left.folder is None or code == INTERRUPTED:
            return code or FAILED
        found = _analysed(left, both)
        changes = changes_between(found, both.names, options.margin)
        slower = [one for one in changes if one.verdict == "slower"]
        if slower:
            changes = confirmed(changes, _again(options, both, slower))
    return _judged(options, both, changes, found.run.folder)


def _again(options: argparse.Namespace, both: BothVersions, slower: Sequence[VersionChange]) -> list[VersionChange]:
    """What a second run says of what is slower in the first: of those layers, or of all where a whole network is."""
    print(f"{len(slower)} slower at first: measured again, with new starts")
    names = dict.fromkeys(one.backend for one in slower)
    shapes = None if any(one.is_total for one in slower) else list(dict.fromkeys(one.problem for one in slower))
    pytest_plugin.BEGAN = time.monotonic()
    code, left = measured(words_of_run(options, [*names, *(both.names[name] for name in names)], shapes))
    if left.folder is None or code == INTERRUPTED:
        return []
    return changes_between(_analysed(left, both), both.names, options.margin)


def _analysed(left: WhatWasRun, both: BothVersions) -> RunAnalysis:
    """What a run came to, once its file says which version stands behind which name, and its report is written."""
    assert left.folder is not None, "something was measured"
    run = json.loads((left.folder / RUN_FILE).read_text(encoding="utf-8"))
    run["against"] = [{"ref": each.name, "commit": each.commit} for each in both.revisions]
    RunFolder(left.folder, run).write()
    found = left.analyses[0] if left.analyses else analyse(load_run(left.folder))
    report([str(left.folder)], [found])
    return found


def _say_who(both: BothVersions, against: str) -> None:
    for name in both.only_here:
        print(f"note: {name} is not in {against}, and is not measured")
    for name in both.only_there:
        print(f"note: {name} is in {against} only, and is not measured")


def _judged(options: argparse.Namespace, both: BothVersions, changes: Sequence[VersionChange], folder: Path) -> int:
    """Print the verdicts and write them down; the exit code."""
    if not any(one.ratio == one.ratio or one.verdict in ("broken", "mended") for one in changes):
        print(f"nothing to compare: no backend was measured in both versions; see {folder}")
        return FAILED
    before = " and ".join(revision.short for revision in both.revisions)
    for line in as_text(changes):
        print(line)
    print(legend(options.margin))
    print(summary(changes, before))
    table = as_markdown(changes, before, options.margin)
    (folder / TABLE).write_text(table, encoding="utf-8")
    if options.summary is not None:
        with options.summary.open("a", encoding="utf-8") as file:
            file.write(table)
    against_it = failing(changes, options.fail_on)
    if against_it:
        print(f"--fail-on {options.fail_on}: {len(against_it)} of {len(changes)}")
    return FAILED if against_it else 0

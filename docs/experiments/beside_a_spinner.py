"""Does a backend that burns every core while it is not asked slow the others down? Measured.

Runs the same backends and problems in turn without and with ``spinner.py`` in the run, and compares their medians:

    python docs/experiments/beside_a_spinner.py [TRIALS]

Runs are minutes apart and the machine drifts, so the ratio of one trial says little: the median over the trials does.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from pointwise_bench.report.analysis.series import clusters_of
from pointwise_bench.report.reading.run import load_run

HERE = Path(__file__).parent
BACKENDS = ("numpy-matmul", "torch-matmul")
PROBLEMS = ("n1c192h28w28-o64", "n1c256h56w56-o64", "n1c512h14w14-o512", "n1c1024h7w7-o2048", "n1c128h56w56-o256")


def medians(results: Path, *, spinning: bool) -> dict[tuple[str, str], float]:
    """Seconds per call by backend and problem, of one run on one thread."""
    command = [sys.executable, "-m", "pytest", "suites", "--benchmark-only", "-q", "-p", "no:cacheprovider"]
    command += ["--threads", "1", "--time-budget", "60s", "--results", str(results), "--benchmark-columns=median"]
    command += [word for problem in PROBLEMS for word in ("--shapes", problem)]
    command += [word for name in BACKENDS for word in ("--backend", name)]
    if spinning:
        command += ["--plugin", str(HERE / "spinner.py"), "--backend", "spinner"]
    subprocess.run(command, check=True, cwd=HERE.parents[1], stdout=subprocess.DEVNULL)
    (path,) = results.glob("*/*/run.json")
    return {
        (cell.backend, cell.problem.id): clusters_of(cell).median_interval()[0]
        for cell in load_run(path.parent).cells
        if cell.timed and cell.backend in BACKENDS
    }


def main(trials: int) -> None:
    """Alternate, and print the ratio of each cell's medians: with the spinner over without."""
    ratios: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for trial in range(trials):
            found = {}
            for spinning in (trial % 2 == 0, trial % 2 == 1):
                found[spinning] = medians(Path(folder) / f"{trial}-{spinning}", spinning=spinning)
            for key in found[True].keys() & found[False].keys():
                ratios[key].append(found[True][key] / found[False][key])
    for key, series in sorted(ratios.items()):
        shown = " ".join(f"{ratio:.3f}" for ratio in series)
        print(f"{key[0]} {key[1]}: {statistics.median(series):.3f} ({shown})")
    overall = statistics.geometric_mean(ratio for series in ratios.values() for ratio in series)
    print(f"over all: {overall:.3f}, {trials} trials")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)

"""What are the verdicts of ``compare --against`` worth? A plugin slowed by 5 %, and one that only reads otherwise.

    python docs/experiments/compare_against.py [TIMES] [--quiet] [--threads N] [--shapes ID ...]

Makes a git repository of one plugin in a temporary folder, and compares in turn a work tree in which each call is
followed by a wait of 5 % of its time, and one in which a comment differs, with one core kept busy half of the time
(``--quiet``: without). Prints a line for each comparison and how many of each kind were called slower.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

PLUGIN = '''
"""{comment}"""
from time import perf_counter
from pointwise_bench import Backend, get, register

@register
class Mine(Backend):
    name = "mine"
    output = "reused"

    def refuses(self, problem):
        return get("numpy-matmul").refuses(problem)

    def prepare(self, problem, weight, bias, threads):
        layer = get("numpy-matmul").prepare(problem, weight, bias, threads)

        def timed(x):
            began = perf_counter()
            result = layer(x)
            until = perf_counter() + {share} * (perf_counter() - began)
            while perf_counter() < until:
                pass
            return result

        return timed
'''
KINDS = {"slowed": {"comment": "As it was.", "share": 0.05}, "unchanged": {"comment": "As it is.", "share": 0.0}}
COMMITTED = {"comment": "As it was.", "share": 0.0}
SHAPES = ("n1c64h56w56-o256", "n1c256h14w14-o1024", "n1c512h7w7-o2048")
BUSY = "from pointwise_bench.suites.calibration.__main__ import be_busy; be_busy()"


def main() -> None:
    """Compare, and count."""
    options = _options()
    slower: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        file = _repository(Path(folder))
        busy = None if options.quiet else subprocess.Popen([sys.executable, "-c", BUSY])
        try:
            for number in range(options.times):
                for kind, values in KINDS.items():
                    file.write_text(PLUGIN.format(**values))
                    code, said = _compared(file, options)
                    slower[kind] += code == 1
                    print(f"{number} {kind}: {said}", flush=True)
        finally:
            if busy is not None:
                busy.kill()
                busy.wait()
    for kind in KINDS:
        print(f"{kind}: slower in {slower[kind]} of {options.times}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", nargs="?", type=int, default=20)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--shapes", action="append")
    return parser.parse_args()


def _repository(folder: Path) -> Path:
    """The file of the plugin, committed."""
    file = folder / "repository" / "mine.py"
    file.parent.mkdir()
    file.write_text(PLUGIN.format(**COMMITTED))
    author = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    for words in (["init", "--quiet"], ["add", "mine.py"], [*author, "commit", "--quiet", "--message", "as it was"]):
        subprocess.run(["git", *words], cwd=file.parent, check=True)
    return file


def _compared(file: Path, options: argparse.Namespace) -> tuple[int, str]:
    """The exit code of a comparison, and its verdicts in a line."""
    words = ["--against", "HEAD", "--plugin", str(file), "--threads", options.threads, "--fail-on", "slower"]
    words += [word for shape in options.shapes or SHAPES for word in ("--shapes", shape)]
    done = subprocess.run(
        [sys.executable, "-m", "pointwise_bench", "compare", *words],
        cwd=file.parents[1],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or "against HEAD" not in done.stdout:
        raise SystemExit(f"it compared nothing:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    lines = done.stdout.splitlines()
    verdicts = [line for line in lines if line.startswith(("slower: ", "faster: ", "undecided: ", "broken: "))]
    summary = next(line for line in reversed(lines) if line.startswith("against HEAD"))
    return done.returncode, "; ".join([summary, *verdicts])


if __name__ == "__main__":
    main()

"""``--in-process --pdb``: the author of a backend stands where it raises."""

from __future__ import annotations

from pathlib import Path

from suite_command import SMALL, run_suite

RAISES = '''"""Raises in the layer."""

from pointwise_bench import Backend, register


@register
class Mine(Backend):
    """Unhappy."""

    name = "mine"

    def prepare(self, problem, weight, bias, threads):
        """The layer."""

        def layer(x):
            raise RuntimeError("unhappy")

        return layer
'''


def test_a_debugger_stops_in_the_line_of_the_backend_that_raised(tmp_path: Path) -> None:
    """It reads the end of its input here and leaves; the run goes on to its end."""
    plugin = tmp_path / "mine.py"
    plugin.write_text(RAISES)
    asked = ("--plugin", str(plugin), "--backend", "mine", "--shapes", SMALL, "--in-process")
    done = run_suite(tmp_path / "results", *asked, "--pdb")
    assert 'mine.py(16)layer()\n-> raise RuntimeError("unhappy")\n(Pdb)' in done.stdout, done.stdout[-3000:]
    assert "mine, which was asked for by name, failed on all of 1: set_up: RuntimeError: unhappy" in done.stdout
    assert "(Pdb)" not in run_suite(tmp_path / "without", *asked).stdout

"""The steps of a composite action of GitHub's, read from its file and run as a runner does.

A reader of YAML would be one more package for one file; what is not understood here fails.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent


@dataclass(frozen=True)
class Step:
    """Its name, its shell, and the expressions that its variables are given by."""

    name: str
    shell: str
    variables: Mapping[str, str]


def steps_of(file: Path) -> list[Step]:
    """All of them, in order."""
    found = []
    for text in re.split(r"^    - ", file.read_text().partition("\n  steps:\n")[2], flags=re.MULTILINE)[1:]:
        name = re.match(r"name: (\w+)\n", text)
        shell = re.search(r"^      run: \|\n((?:^(?: {8}.*)?\n)+)", text, re.MULTILINE)
        assert name, text
        assert shell, text
        variables = dict(re.findall(r"^        ([A-Z_]+): \$\{\{ (.+) \}\}$", text, re.MULTILINE))
        found.append(Step(name[1], dedent(shell[1]), variables))
    return found


def defaults_of(file: Path) -> dict[str, str]:
    """Of its inputs, by ``inputs.NAME``."""
    inputs = file.read_text().partition("\ninputs:\n")[2].partition("outputs:\n")[0]
    found = re.findall(
        r"^  ([\w-]+):\n    description: .*\n(?:    default: (.*)\n|    required: true\n)", inputs, re.MULTILINE
    )
    return {f"inputs.{name}": default.strip('"') for name, default in found}


class Runner:
    """What a runner keeps between the steps of a job: variables, outputs and the summary, in files."""

    def __init__(self, checkout: Path, temporary: Path, programs: Path, values: Mapping[str, str]) -> None:
        """``programs``: a folder in front of the search path; ``values``: of expressions, but for outputs of steps."""
        self.checkout = checkout
        self.values = dict(values)
        self.files = {name: temporary / name.lower() for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        self._fixed = {name: str(path) for name, path in self.files.items()}
        self._fixed |= {"RUNNER_TEMP": str(temporary), "GITHUB_REPOSITORY": "somebody/something"}
        self._fixed |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        for path in self.files.values():
            path.touch()

    def run(self, step: Step) -> subprocess.CompletedProcess[str]:
        """One step: in bash as a runner starts it, which ends at the first command that fails."""
        given = dict(line.split("=", 1) for line in self.files["GITHUB_ENV"].read_text().splitlines())
        given |= {name: self.values[expression] for name, expression in step.variables.items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.shell],
            cwd=self.checkout,
            env=_without_pytest() | self._fixed | given,
            capture_output=True,
            text=True,
            check=False,
        )
        for line in self.files["GITHUB_OUTPUT"].read_text().splitlines():
            name, _, value = line.partition("=")
            self.values[f"steps.{step.name}.outputs.{name}"] = value
        return done


def _without_pytest() -> dict[str, str]:
    """The environment less what pytest and its helpers say of themselves: a step may start a pytest of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}

"""How much of what a user would ask first the project's own backends refuse, counted on the correctness suite."""

from __future__ import annotations

from backends import registry
from suites.test_correctness import edge_problems

MOST_REFUSED = 0.25


def test_at_most_a_quarter_of_float32_forward_is_refused() -> None:
    """Of all questions together: a file of a user's own may be made for one layout."""
    own = [registry.get(name) for name in registry.names() if registry.source(name).kind == "built-in"]
    answers = [backend.refuses(problem) for backend in own for problem in edge_problems()]
    assert len(own) >= 16
    assert sum(answer is not None for answer in answers) <= MOST_REFUSED * len(answers)

"""What the hooks of a session keep for each other in pytest's stash, and the marks by which they know timed tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pointwise_bench.suites.catalogue import Group
from pointwise_bench.suites.harness.run.options import Options

if TYPE_CHECKING:
    from pointwise_bench.suites.harness.run.session import Session

OPTIONS: Final = pytest.StashKey[Options]()
GROUPS: Final = pytest.StashKey[list[Group]]()
COLLECTED: Final = pytest.StashKey[bool]()
"""There once the tests of the session are known, all of them."""
SESSION: Final[pytest.StashKey[Session]] = pytest.StashKey()
SHORTFALLS: Final = pytest.StashKey[list[str]]()
TIMED: Final = ("shapes", "claims")
"""The marks of timed tests."""

"""The clients of these tests are scripted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from no_glances import no_glances


@pytest.fixture(autouse=True, scope="module")
def only_turns_that_are_scripted() -> Iterator[None]:
    """See :func:`no_glances`."""
    with no_glances():
        yield

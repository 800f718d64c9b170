"""Whether what is long by nature is tried at its full length: ``tox run -e soak`` sets the variable."""

from __future__ import annotations

import os
from typing import Final

SOAK: Final = os.environ.get("POINTWISE_SOAK") == "1"

"""How fast and how small the collectors are, against real services: `make bench`, or `python -m benchmarks`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The project."""

# The services that are measured are those of the tests, and so is the code that starts them.
sys.path[:0] = [p for p in (str(ROOT), str(ROOT / "tests" / "support")) if p not in sys.path]

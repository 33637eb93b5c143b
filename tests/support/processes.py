"""What became of programs that a test had started."""

import time
from collections.abc import Callable
from pathlib import Path


def is_gone(pid: int) -> bool:
    """Whether the process ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def soon(has_happened: Callable[[], bool]) -> bool:
    """Within ten seconds, as a busy machine may need them."""
    return any(has_happened() or time.sleep(0.05) for _ in range(200))

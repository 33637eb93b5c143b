"""How many hosts are asked through one jump host at once, whichever table of the config they stand in."""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence

from collectors.ssh_config import Hop


class _Gate:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0

    @contextlib.contextmanager
    def passed(self, most: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._inside < most)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()


_gates: dict[tuple[str, int], _Gate] = {}
"""One for each jump host and process: two tables that go through it share it."""
_making = threading.Lock()


@contextlib.contextmanager
def passing(jumps: Iterable[Hop], most: int) -> Iterator[None]:
    """Waits until fewer than `most` hosts are being asked through each of these jump hosts."""
    # In one order for everybody: two chains through the same two jump hosts must not wait for each other.
    keys = sorted({(jump.hostname.lower(), jump.port) for jump in jumps})
    with _making:
        gates = [_gates.setdefault(key, _Gate()) for key in keys]
    with contextlib.ExitStack() as stack:
        for gate in gates:
            stack.enter_context(gate.passed(most))
        yield


def spread(ways: Sequence[tuple[str, Sequence[Hop]]]) -> list[str]:
    """The aliases in an order in which those behind one jump host stand evenly among the others.

    One after the other, they would keep every thread waiting at one gate while hosts that need none wait for a thread.
    """
    groups: dict[tuple[str, int] | None, list[str]] = {}
    for alias, way in ways:
        key = (way[0].hostname, way[0].port) if len(way) > 1 else None
        groups.setdefault(key, []).append(alias)
    placed = [((n + 0.5) / len(group), alias) for group in groups.values() for n, alias in enumerate(group)]
    return [alias for _, alias in sorted(placed, key=lambda place: place[0])]

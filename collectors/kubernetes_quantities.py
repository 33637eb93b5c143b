"""Kubernetes' way of writing amounts, and what a pod asks for in all.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from collectors.kubernetes_objects import PodSpec, Quantity, Requests

_QUANTITY = re.compile(r"([0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE]([+-]?[0-9]{1,2})|(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?")
_SUFFIXES = {
    "m": Decimal("0.001"),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}
_MAX_LENGTH = 64
_MAX = 2**63 - 1
"""No quantity is larger, the API says."""


def quantity(text: Quantity | None) -> int | None:
    """A quantity in whole base units (`16Gi`, `7910m`, `1e3`), rounded down; None where it is not one."""
    return _scaled(text, 1) if text is not None and _is_short(text) else None


def thousandths(text: Quantity | None) -> int | None:
    """A quantity in thousandths, as CPU is counted (`500m`, `2`), rounded down; None where it is not one."""
    return _scaled(text, 1000) if text is not None and _is_short(text) else None


def _is_short(text: Quantity) -> bool:
    # Also what the cache below may keep.
    return not isinstance(text, str) or len(text) <= _MAX_LENGTH


@lru_cache(4096)
def _scaled(text: Quantity, scale: int) -> int | None:
    """A cluster writes few different quantities, very often."""
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    value = Decimal(number) * Decimal(10) ** int(exponent or 0) * _SUFFIXES.get(suffix or "", Decimal(1))
    return int(value * scale) if value <= _MAX else None


def requested(spec: PodSpec) -> tuple[int | None, int | None]:
    """CPU in thousandths of a core and memory in bytes that the scheduler sets aside for a pod; None: none is asked.

    Containers run together, init containers one after the other before them, except those that restart always.
    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    return _requested(spec, _cpu), _requested(spec, _memory)


def _requested(spec: PodSpec, amount: Callable[[Requests | None], int | None]) -> int | None:
    total = amount(spec.resources.requests) if spec.resources else None
    if total is None:
        total = _of_containers(spec, amount)
    over = amount(spec.overhead)
    return total if over is None else (total or 0) + over


def _of_containers(spec: PodSpec, amount: Callable[[Requests | None], int | None]) -> int | None:
    known: list[int] = []
    beside = together = peak = 0
    for container in spec.init_containers or ():
        asked = amount(container.resources.requests) if container.resources else None
        if asked is not None:
            known.append(asked)
            peak = max(peak, beside + asked)
            beside += asked if container.restart_policy == "Always" else 0
    for container in spec.containers or ():
        asked = amount(container.resources.requests) if container.resources else None
        if asked is not None:
            known.append(asked)
            together += asked
    return max(peak, beside + together) if known else None


def _cpu(requests: Requests | None) -> int | None:
    return thousandths(requests.cpu) if requests is not None else None


def _memory(requests: Requests | None) -> int | None:
    return quantity(requests.memory) if requests is not None else None

"""How many examples a property is tried with: all of them, or the share that `make unit` has the time for."""

from hypothesis import settings

ALL = 100
"""Of a property that names no number of its own; Hypothesis' default."""

settings.register_profile("unit", max_examples=ALL // 5)


def examples(number: int) -> int:
    """So many, or a fifth of them under `--hypothesis-profile=unit`; at least one."""
    return max(1, number * settings().max_examples // ALL)

"""Days off and make-up days that the owner knows and the built-in calendar does not 节假日安排.

The State Council publishes each year's arrangement in the autumn before; until a release of the calendar has it, the
owner enters it in a file.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec

from inventory.settings import ConfigError
from inventory.text import Message, msg
from inventory.yaml_text import YamlError, load_yaml

MAX_RANGE_DAYS = 31


class HolidayTable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an owner's file says of working days."""

    source: str = ""
    """The notice that it follows, as the file names it: 国务院办公厅关于2027年部分节假日安排的通知."""
    years: tuple[int, ...] = ()
    """Years that it describes completely: of these nothing is taken from the built-in calendar."""
    holidays: tuple[date, ...] = ()
    """Days off, weekends included or not."""
    workdays: tuple[date, ...] = ()
    """Make-up days 调休上班日."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source: str = ""
    years: tuple[Annotated[int, msgspec.Meta(ge=2000, le=2100)], ...] = ()
    holidays: tuple[Any, ...] = ()
    """Dates, as YAML reads them, or texts."""
    workdays: tuple[Any, ...] = ()


def read_holidays(path: Path) -> HolidayTable:
    """The owner's table: YAML with `source`, `years`, `holidays`, `workdays`; ranges as `2027-02-05/2027-02-11`.

    Raises:
        ConfigError: the file cannot be read, or is not such a table.
    """
    try:
        said = msgspec.convert(load_yaml(path.read_bytes()) or {}, _File)
        table = HolidayTable(
            source=said.source,
            years=tuple(sorted(set(said.years))),
            holidays=_days(said.holidays),
            workdays=_days(said.workdays),
        )
    except OSError as error:
        raise _wrong(path, msg("cannot be read ({why})", why=error.strerror or str(error))) from error
    except YamlError as error:
        raise _wrong(path, error.message) from error
    except (msgspec.ValidationError, ValueError) as error:
        raise _wrong(path, msg("{why}; expected source, years, holidays, workdays", why=str(error))) from error
    both = sorted(set(table.holidays) & set(table.workdays))
    if both:
        raise _wrong(path, msg("{day} is both a day off and a working day", day=both[0].isoformat()))
    return table


def _days(said: tuple[Any, ...]) -> tuple[date, ...]:
    found: set[date] = set()
    for item in said:
        if type(item) is date:
            found.add(item)
            continue
        if not isinstance(item, str):
            raise ValueError(f"{item}: expected a day such as 2027-01-01")  # noqa: TRY004 - one error for all
        first, _, last = item.partition("/")
        start, end = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
        if not 0 <= (end - start).days < MAX_RANGE_DAYS:
            raise ValueError(f"{item}: a range of days from earlier to later, at most {MAX_RANGE_DAYS}")
        found.update(start + timedelta(days=n) for n in range((end - start).days + 1))
    return tuple(sorted(found))


def _wrong(path: Path, what: Message) -> ConfigError:
    return ConfigError(msg("{path}: {what}", path=str(path), what=what))

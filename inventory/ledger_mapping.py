"""The mapping file 映射文件 of a ledger that nobody would recognise: where its table stands and what its words mean.

TOML or YAML beside `yunhe.toml`, named by `mapping` in the ledger's table. Strict like the config: an unknown key or
field, a wrong type, a letter that is none are errors that name file and key, and what was expected.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from inventory.ledger_columns import FORMS, LedgerForm
from inventory.settings import ConfigError, Ledger, LedgerKind, resolve
from inventory.text import Message, msg
from inventory.yaml_text import YamlError, load_yaml

MAX_MAPPING_BYTES = 1024**2
YAML_SUFFIXES = (".yaml", ".yml")

_LETTERS = r"^[A-Z]{1,2}$"
HeaderRow = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class ByLetter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column by its letter, where its header is empty or stands there twice."""

    letter: Annotated[str, msgspec.Meta(pattern=_LETTERS, description="A to ZZ")]


class LedgerMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mapping file."""

    version: Literal[1] = 1
    kind: LedgerKind | None = None
    """Kind of ledger that it was written for; another kind may not use it."""
    sheets: tuple[Words, ...] = ()
    """Names of the sheets that hold the table; default: every sheet whose header is recognised."""
    header_rows: Annotated[tuple[HeaderRow, ...], msgspec.Meta(max_length=2)] = ()
    """Row of the header as the spreadsheet numbers it, two neighbours where it has two; default: found."""
    columns: dict[str, Words | ByLetter] = {}
    """Field to the header that stands for it, or to a column's letter."""
    constants: dict[str, str] = {}
    """Field to what every row says, as a cell would say it; for what the table has no column for."""
    values: dict[str, dict[str, str]] = {}
    """Field to {as the table writes it: as the program understands it}; an empty text means that nothing is said."""
    ignored: tuple[Words, ...] = ()
    """Headers that are known and not wanted."""


def mapping_of(ledger: Ledger, *, base: Path) -> LedgerMapping:
    """How the ledger's table is to be read: its mapping file, and what its own table in the config adds.

    Raises:
        ConfigError: the file cannot be read, is no mapping, or contradicts the ledger's table.
    """
    mapping = LedgerMapping() if ledger.mapping is None else load_mapping(resolve(base, ledger.mapping), ledger.kind)
    where = f"ledger.{ledger.name}"
    if ledger.sheet is not None and mapping.sheets:
        raise ConfigError(msg("key {key}: {what}", key=f"{where}.sheet",
                              what=msg("the mapping file names sheets already; expected it in one place")))  # fmt: skip
    for field in ledger.columns:
        if field in mapping.columns or field in mapping.constants:
            raise ConfigError(
                msg("key {key}: {what}", key=f"{where}.columns.{field}",
                    what=msg("the mapping file gives this field already; expected it in one place"))
            )  # fmt: skip
    return msgspec.structs.replace(
        mapping,
        sheets=mapping.sheets or ((ledger.sheet,) if ledger.sheet is not None else ()),
        columns={**mapping.columns, **ledger.columns},
    )


def load_mapping(path: Path, kind: LedgerKind) -> LedgerMapping:
    """The mapping in a file, checked against the fields of the kind of ledger.

    Raises:
        ConfigError: it cannot be read, is no TOML or YAML, or has a key, type, field or letter that is none.
    """
    table = _table(path)
    try:
        mapping = msgspec.convert(table, LedgerMapping)
    except msgspec.ValidationError as error:
        raise _wrong(path, *_explained(str(error))) from error
    if mapping.kind is not None and mapping.kind != kind:
        raise _wrong(
            path, "kind", msg("the ledger that uses it is of kind {kind}; expected the same in both", kind=kind)
        )
    _check(path, mapping, FORMS[kind])
    return mapping


def _table(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MAPPING_BYTES + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigError(
            msg("{path}: cannot be read ({why}); expected a readable file", path=path.name, why=why)
        ) from error
    if len(data) > MAX_MAPPING_BYTES:
        raise ConfigError(
            msg("{path}: larger than {limit} bytes; expected a mapping of a few pages", path=path.name,
                limit=MAX_MAPPING_BYTES)
        )  # fmt: skip
    if path.suffix.casefold() in YAML_SUFFIXES:
        try:
            return load_yaml(data)
        except YamlError as error:
            raise ConfigError(msg("{path}: {what}", path=path.name, what=error.message)) from error
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            msg("{path}: byte {at} is not UTF-8; save the file as UTF-8", path=path.name, at=error.start)
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(msg("{path}: {why}; expected TOML, each key once", path=path.name, why=str(error))) from error


def _wrong(path: Path, key: str | Message, what: Message) -> ConfigError:
    return ConfigError(msg("{path}: {what}", path=path.name, what=msg("key {key}: {what}", key=key, what=what)))


def _explained(error: str) -> tuple[str | Message, Message]:
    """Key and expectation of what msgspec says."""
    text, _, where = error.rpartition(" - at `")
    text, where = (text, where) if text else (where, "$`")
    # msgspec says `[...]` for a key of a table, and does not say which.
    named = where.rstrip("`").removeprefix("$").removeprefix(".").replace("[...]", ".*")
    key: str | Message = re.sub(r"\[(\d+)\]", lambda m: f"[{int(m[1]) + 1}]", named)
    unknown = re.match(r"Object contains unknown field `(.+)`", text, re.DOTALL)
    if unknown:
        struct = LedgerMapping if not key else ByLetter
        full = f"{key}.{unknown[1]}" if key else unknown[1]
        return full, msg("there is no such key; expected one of {keys}", keys=", ".join(struct.__struct_fields__))
    if _LETTERS in text:
        return key, msg("expected a column's letter, from A to ZZ")
    return key or msg("(top level)"), msg("{why}; expected it as docs/ledgers.md shows it", why=text)


def _check(path: Path, mapping: LedgerMapping, form: LedgerForm) -> None:
    for table in ("columns", "constants", "values"):
        for field in getattr(mapping, table):
            if form.column(field) is None:
                what = msg("a {kind} ledger has no such field; expected one of {fields}", kind=form.kind,
                           fields=", ".join(c.field for c in form.columns))  # fmt: skip
                raise _wrong(path, f"{table}.{field}", what)
    for field in mapping.constants:
        column = form.column(field)
        if field in mapping.columns:
            raise _wrong(path, f"constants.{field}", msg("it is among the columns as well; expected it in one place"))
        if field in form.identity or field == "classified" or (column is not None and column.required):
            # One value for all rows would make one thing of them, or say of none or all that they are classified.
            raise _wrong(path, f"constants.{field}", msg("every row says this for itself; expected a column"))
    rows = mapping.header_rows
    if len(rows) == 2 and rows[1] != rows[0] + 1:
        raise _wrong(path, "header_rows", msg("expected one row, or two that follow each other"))

"""Views for SQL of one's own and for Grafana's tables: read-only, with the same columns on both stores (docs/store.md).

Texts are as the program wrote them; times are ISO 8601, dates `YYYY-MM-DD`, lists and values JSON, what is true or
false 1 or 0, and what the source did not say NULL.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from alembic import op

revision = "0003"
down_revision = "0002"

_PROJECT = (
    "name", "department", "department_code", "project_kind", "funding", "level", "approved_on", "awarded_on",
    "contract_on", "initial_acceptance_on", "trial_start_on", "trial_end_on", "final_acceptance_on",
    "in_operation_on", "last_payment_on", "systems", "tenants",
)  # fmt: skip
_SYSTEM = (
    "name", "department", "department_code", "level", "funding", "built_on", "declared_place", "projects", "tenants",
    "hosts", "migrated_on",
)  # fmt: skip


_WITHOUT_NUL = (
    r"CASE WHEN {2}({0}, '\u0000') = 0 THEN {0}"
    r" ELSE replace(replace(replace({0}, '\\', {1}(1)), '\u0000', '\ufffd'), {1}(1), '\\') END"
)
"""A JSON text, U+FFFD in the place of NUL: PostgreSQL's texts hold none, SQLite's end with it. Backslashes that stand
for themselves are out of the way meanwhile, as a character that JSON does not hold as it is."""


def upgrade() -> None:
    """Makes them all; what is there stays as it is."""
    connection = op.get_bind()
    words = _PostgreSQL() if connection.dialect.name == "postgresql" else _SQLite()
    for view in _views(words):
        columns = ", ".join(f"{expression} AS {name}" for name, expression in view.columns.items())
        statement = f"CREATE VIEW {view.name} AS SELECT {columns} {view.source}"
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


class _View(NamedTuple):
    name: str
    columns: Mapping[str, str]
    """Name to expression."""
    source: str


class _SQLite:
    """How SQLite reads a content."""

    content = (
        f"JOIN (SELECT id, {_WITHOUT_NUL.format('CAST(data AS TEXT)', 'char', 'instr')} AS j"  # noqa: S608 - all ours
        " FROM body) AS b ON b.id = v.body"
    )

    def value(self, path: str, of: str = "b.j") -> str:
        return f"json_extract({of}, '$.{path}')"

    def flag(self, path: str) -> str:
        return self.value(path)

    def hexadecimal(self, column: str) -> str:
        return f"lower(hex({column}))"

    def before_at(self, column: str) -> str:
        return f"substr({column}, 1, instr({column}, '@') - 1)"

    def json(self, column: str) -> str:
        return column

    def holds(self, column: str, part: str) -> str:
        return f"instr({column}, '{part}') > 0"


class _PostgreSQL:
    """How PostgreSQL reads a content.

    `OFFSET 0` has each content decoded once, and not once for each column.
    """

    content = (
        f"CROSS JOIN LATERAL (SELECT CAST({_WITHOUT_NUL.format('t', 'chr', 'strpos')} AS json) AS j"  # noqa: S608 - all ours
        " FROM (SELECT convert_from(data, 'UTF8') AS t FROM body WHERE id = v.body OFFSET 0) AS decoded OFFSET 0) AS b"
    )

    def value(self, path: str, of: str = "b.j") -> str:
        return f"({of} #>> '{{{path.replace('.', ',')}}}')"

    def flag(self, path: str) -> str:
        return f"CASE {self.value(path)} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"

    def hexadecimal(self, column: str) -> str:
        return f"encode({column}, 'hex')"

    def before_at(self, column: str) -> str:
        return f"split_part({column}, '@', 1)"

    def json(self, column: str) -> str:
        return f"CAST({column} AS json)"

    def holds(self, column: str, part: str) -> str:
        return f"position('{part}' IN {column}) > 0"


def _views(w: _SQLite | _PostgreSQL) -> Iterator[_View]:
    yield from _of_scans(w)
    yield from _of_findings(w)
    yield from _of_records(w)


def _integer(expression: str) -> str:
    return f"CAST({expression} AS integer)"


def _of_scans(w: _SQLite | _PostgreSQL) -> Iterator[_View]:
    info, body = w.json("s.info"), w.json("l.body")
    told = {name: w.value(name, info) for name in ("as_of", "started_at", "finished_at", "tool")}
    yield _View(
        "v_scans",
        {
            "scan": "s.number",
            **told,
            "policy_pack": w.value("pack", info),
            "exit_code": _integer(w.value("exit_code", info)),
            "digest": w.value("digest", info),
            "head": w.hexadecimal("l.digest"),
        },
        "FROM scan s JOIN log l ON l.entry = s.entry",
    )
    yield _View(
        "v_coverage_current",
        {
            **{name: w.value(f"cell.{name}") for name in ("source", "scope", "kind")},
            "state": w.value("state"),
            "seen": _integer(w.value("seen")),
            "failure": w.value("failure"),
            "reason": w.value("reason.id"),
            "reason_values": w.value("reason.args"),
            "unseen": w.value("unseen"),
            "since_scan": "v.since_scan",
        },
        f"FROM cell_version v {w.content} WHERE v.until_scan IS NULL",
    )
    yield _View(
        "v_baselines",
        {
            "name": w.value("name", body),
            "scan": _integer(w.value("scan", body)),
            "head": w.value("head", body),
            "set_at": w.value("set_at", body),
        },
        "FROM log l WHERE l.what = 'baseline'",
    )
    yield _View(
        "v_run_log",
        {"entry": "l.entry", "what": "l.what", "digest": w.hexadecimal("l.digest")},
        "FROM log l",
    )


def _of_findings(w: _SQLite | _PostgreSQL) -> Iterator[_View]:
    finding = {
        "check_id": w.value("check"),
        "verdict": "v.verdict",
        "articles": w.value("articles"),
        "decided_by": w.value("decided_by"),
        "subject_kind": w.value("subject.kind"),
        "subject_id": w.value("subject.id"),
        "subject_name": w.value("subject.name"),
        "department": w.value("subject.department"),
        "projects": w.value("subject.projects"),
        "reason": w.value("reason.id"),
        "reason_values": w.value("reason.args"),
        "waiver": w.value("disposition.waiver"),
        "known_scan": "v.known_scan",
        "known_at": "v.known_at",
    }
    source = f"FROM finding_version v {w.content}"
    yield _View("v_findings_current", finding, f"{source} WHERE v.until_scan IS NULL")
    held = {"since_scan": "v.since_scan", "until_scan": "v.until_scan"}
    yield _View("v_findings_history", {**held, **finding}, source)
    check = w.before_at("v.key")
    yield _View(
        "v_verdicts_by_scan",
        {
            "scan": "s.number",
            "as_of": w.value("as_of", w.json("s.info")),
            "check_id": check,
            "verdict": "v.verdict",
            "findings": "count(*)",
        },
        "FROM scan s JOIN finding_version v ON v.since_scan <= s.number"
        f" AND (v.until_scan IS NULL OR v.until_scan >= s.number) GROUP BY s.number, s.info, {check}, v.verdict",
    )


def _of_records(w: _SQLite | _PostgreSQL) -> Iterator[_View]:
    source = f"FROM record_version v {w.content} WHERE v.until_scan IS NULL"
    yield _View(
        "v_resources_current",
        {
            **{name: w.value(name) for name in ("source", "kind", "native_id", "name")},
            "raw_digest": w.value("raw"),
            "since_scan": "v.since_scan",
        },
        source,
    )
    for name, kind, fields, flags, numbers in (
        ("v_projects_current", "project", _PROJECT, ("is_platform_project", "collects_data"), ()),
        ("v_systems_current", "system", _SYSTEM, ("is_rebuilt", "is_retired", "is_said_migrated"), ("mlps_level",)),
    ):
        yield _View(
            name,
            {
                "code": w.value("native_id"),
                "source": w.value("source"),
                **{field: w.value(field) for field in fields},
                **{flag: w.flag(flag) for flag in flags},
                **{number: _integer(w.value(number)) for number in numbers},
                "since_scan": "v.since_scan",
            },
            # The key is `source|kind|native id`: the contents of others need not be read.
            f"{source} AND {w.holds('v.key', f'|{kind}|')} AND {w.value('kind')} = '{kind}'",
        )

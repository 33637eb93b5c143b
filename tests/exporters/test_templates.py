"""Templates and config that `yunhe init` writes are read back by the program that wrote them."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import openpyxl
import pytest

from collectors.collector import collect
from collectors.ledger_source import ledger_collectors
from exporters.templates import example_config, template, write_templates
from inventory.coverage import CellState
from inventory.guard import Guard
from inventory.ledger_columns import FORMS, Format
from inventory.names import normalise
from inventory.settings import Ledger, LedgerKind, Settings, load

NOON = datetime(2026, 11, 1, 4, tzinfo=UTC)


def test_every_kind_of_ledger_has_a_form() -> None:
    assert set(FORMS) == set(get_args(LedgerKind))


@pytest.mark.parametrize("kind", FORMS)
def test_no_header_means_two_fields(kind: str) -> None:
    headers = [normalise(h) for c in FORMS[kind].columns for h in (c.header, *c.synonyms)]

    assert len(headers) == len(set(headers))


@pytest.mark.parametrize("kind", FORMS)
def test_a_filled_template_is_read_without_rejection(kind: LedgerKind, tmp_path: Path) -> None:
    """The examples on the sheet of explanations are a valid row."""
    path = tmp_path / "l.xlsx"
    template(FORMS[kind]).save(path)
    workbook = openpyxl.load_workbook(path)
    table = workbook.worksheets[0]
    for index, column in enumerate(FORMS[kind].columns, 1):
        table.cell(row=2, column=index, value=column.example)
    workbook.save(path)

    collection = collect(
        ledger_collectors(Ledger(name="l", kind=kind, path=path.name), base=tmp_path, clock=lambda: NOON),
        guard=Guard(),
        clock=lambda: NOON,
    )

    assert collection.rejections == []
    assert [c.state for c in collection.cells] == [CellState.COMPLETE]
    assert collection.records


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all templates, which are only read."""
    folder = tmp_path_factory.mktemp("templates")
    write_templates(folder)
    return folder


@pytest.mark.parametrize("kind", FORMS)
def test_an_empty_template_is_an_empty_ledger(kind: LedgerKind, templates: Path) -> None:
    (collector,) = ledger_collectors(
        Ledger(name="l", kind=kind, path=f"{kind}.xlsx"), base=templates, clock=lambda: NOON
    )

    assert list(collector.read(collector.plan()[0])) == []


@pytest.mark.parametrize(
    ("kind", "field", "number_format"),
    [
        ("mlps_filings", "number", "@"),
        ("projects", "code", "@"),
        ("projects", "department_code", "@"),
        ("projects", "awarded_on", "yyyy-mm-dd"),
    ],
)
def test_columns_have_the_format_of_their_content(kind: str, field: str, number_format: str, tmp_path: Path) -> None:
    """A spreadsheet keeps 15 digits of a number: 备案证明编号 has 16."""
    template(FORMS[kind]).save(tmp_path / "l.xlsx")
    index = [c.field for c in FORMS[kind].columns].index(field)
    table = openpyxl.load_workbook(tmp_path / "l.xlsx").worksheets[0]

    letter = openpyxl.utils.get_column_letter(index + 1)

    assert table.column_dimensions[letter].number_format == number_format


def test_choices_are_offered_and_the_header_stays_in_sight(tmp_path: Path) -> None:
    template(FORMS["projects"]).save(tmp_path / "projects.xlsx")
    workbook = openpyxl.load_workbook(tmp_path / "projects.xlsx")
    table = workbook.worksheets[0]

    lists = {str(v.sqref): v.formula1 for v in table.data_validations.dataValidation if v.type == "list"}

    index = [c.field for c in FORMS["projects"].columns].index("classified")
    letter = openpyxl.utils.get_column_letter(index + 1)
    assert lists[f"{letter}2:{letter}5000"] == '"是,否"'
    assert table.freeze_panes == "A2"
    assert workbook.sheetnames == ["项目台账", "说明"]


def test_a_filled_ledger_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "projects.xlsx").write_bytes(b"mine")

    written = write_templates(tmp_path)

    assert (tmp_path / "projects.xlsx").read_bytes() == b"mine"
    assert len(written) == len(FORMS) - 1


def test_every_choice_of_a_template_is_understood() -> None:
    from collectors.ledger_fields import parse

    for form in FORMS.values():
        for column in form.columns:
            for choice in column.choices:
                assert parse(column, choice) is not None


def test_every_format_is_explained() -> None:
    from exporters.templates import _EXPLANATIONS

    assert set(_EXPLANATIONS) == set(Format)


def test_the_example_config_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "yunhe.toml"
    path.write_text(example_config(), encoding="utf-8")

    settings = load(path)

    assert isinstance(settings, Settings)
    assert settings.ledger == ()


def test_the_example_config_is_accepted_with_everything_switched_on(tmp_path: Path) -> None:
    """What a reader gets by removing every `#` before a key is a config too."""
    write_templates(tmp_path / "ledgers")
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "county-cloud.yunhe").write_bytes(b"")
    (tmp_path / "discovery").mkdir()
    (tmp_path / "discovery" / "sweep.xml").write_bytes(b"")
    (tmp_path / "do-not-scan.txt").write_text("# nothing\n", encoding="utf-8")
    (tmp_path / "节假日.yaml").write_text("years: []\n", encoding="utf-8")
    (tmp_path / "豁免.xlsx").write_bytes(b"")
    (tmp_path / "别名.yaml").write_text("aliases:\n", encoding="utf-8")
    text = re.sub(
        r"(?m)^# (\[\[|(?!columns|mapping|sheet|zone = .* #|control_plane)[a-z_]+ = )", r"\1", example_config()
    )
    path = tmp_path / "yunhe.toml"
    path.write_text(text, encoding="utf-8")

    settings = load(path)

    assert len(settings.ledger) == len(FORMS)
    assert settings.openstack[0].cloud == "gov-cloud"
    assert settings.zone[1].internet
    assert (settings.discovery[0].kind, settings.sharing_api[0].page_param) == ("nmap", "page")
    assert settings.plugin == ({"name": "rooms", "use": "rooms"},)

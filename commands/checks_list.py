"""`yunhe checks`."""

from checks.catalogue import CATALOGUE
from commands import voice
from commands.options import FormatOption, LangOption
from exporters import tables
from exporters.tables import Format
from exporters.words import SUBJECT_KINDS, word
from inventory.text import gettext, mark, tell


def checks(form: FormatOption = Format.TABLE, lang: LangOption = None) -> None:
    """The catalogue, in reading order."""
    locale = lang or voice.LOCALE

    def kind(name: str) -> str:
        return word(SUBJECT_KINDS, name, locale) if form is Format.TABLE else name

    rows: list[dict[str, tables.Cell]] = [
        {"check": c.id, "articles": c.articles, "subject": kind(c.subject_kind), "title": tell(c.title, locale)}
        for c in CATALOGUE
    ]
    headings = {
        "check": mark("check"),
        "articles": mark("articles"),
        "subject": mark("subject"),
        "title": mark("title"),
    }
    columns = {k: gettext(h, locale) if form is Format.TABLE else k for k, h in headings.items()}
    tables.show(columns, rows, form, tables.Terminal())

"""How the command speaks: the reader's language, one sentence on standard error."""

from enum import StrEnum
from importlib.metadata import version

from rich.console import Console

from exporters import tables
from inventory.text import gettext, reader_locale

LOCALE = reader_locale()


TOOL = f"yunhe {version('yunhe')}"


# Without emoji: `openstack:loop:` is a source and a colon.
errors = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


class Lang(StrEnum):
    """Languages that the program speaks."""

    ZH_CN = "zh_CN"
    EN = "en"


def complain(sentence: str) -> None:
    errors.print(f"yunhe: {tables.plain(sentence)}", markup=False)


def in_words(sentence: str) -> str:
    return gettext(sentence, LOCALE)

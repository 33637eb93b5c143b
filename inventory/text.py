"""Sentences that are stored once and told in the reader's language.

A `Message` keeps the English sentence and its values apart, so that a finding written at night can be read in
Chinese by a panel and in English by an operator. Translations: `inventory/locale/<language>/LC_MESSAGES/<room>.po`.
"""

import gettext as gettext_module
import os
import re
import string
from functools import cache, lru_cache
from pathlib import Path

import msgspec

LOCALE_DIR = Path(__file__).parent / "locale"
ROOMS = ("inventory", "collectors", "checks", "exporters", "commands")
DEFAULT_LOCALE = "zh_CN"
"""Reports and findings speak the regulation's language unless the reader asks otherwise."""


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sentence with named values, translatable whenever it is shown."""

    id: str
    """The English sentence, with `{name}` for values: the gettext msgid."""
    args: dict[str, "str | int | Message | list[Message]"] = {}
    """The values; a nested message is told in the same language, a list of messages is joined by semicolons."""
    zh: str | None = None
    """Its Chinese where that is not ours to translate: what a law or an office is called in its own words."""


def msg(_id: str, /, **args: "str | int | Message | list[Message]") -> Message:
    """A message whose sentence gettext's extraction finds (keyword `msg`).

    Raises:
        ValueError: a value that the sentence names is not given, or the other way round.
    """
    wanted = _values_of(_id)
    if wanted != args.keys():
        raise ValueError(f"the sentence {_id!r} wants {sorted(wanted)}, it was given {sorted(args)}")
    return Message(id=_id, args=args)


@lru_cache(maxsize=4096)
def _values_of(sentence: str) -> frozenset[str]:
    """The names of the values that the sentence wants: it is read once, however many findings say it."""
    return frozenset(field for _, field, _, _ in string.Formatter().parse(sentence) if field)


def mark(sentence: str) -> str:
    """The sentence itself; tells gettext's extraction that it is translated where it is used (keyword `mark`)."""
    return sentence


@cache
def _catalogue(locale: str) -> gettext_module.NullTranslations:
    found: gettext_module.NullTranslations | None = None
    for room in ROOMS:
        translation = gettext_module.translation(room, LOCALE_DIR, languages=[locale], fallback=True)
        if found is None:
            found = translation
        else:
            found.add_fallback(translation)
    return found or gettext_module.NullTranslations()


def tell(message: Message, locale: str = DEFAULT_LOCALE) -> str:
    """The sentence in the language of `locale` (`zh_CN` or `en`), values filled in."""
    return _told(message, locale, 0)


_BRACES = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")
MAX_NESTING = 16


def _told(message: Message, locale: str, depth: int) -> str:
    """The sentence, filled in without str.format: captures bring sentences of strangers, format strings among them."""
    if depth > MAX_NESTING:
        return "…"
    if message.zh is not None and locale == DEFAULT_LOCALE:
        return message.zh

    def filled(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0][0]
        return _value(message.args[name], locale, depth + 1) if name in message.args else found[0]

    return _BRACES.sub(filled, gettext(message.id, locale))


def _value(value: "str | int | Message | list[Message]", locale: str, depth: int) -> str:
    if isinstance(value, Message):
        return _told(value, locale, depth)
    if isinstance(value, list):
        separator = "；" if locale == "zh_CN" else "; "
        return separator.join(_told(part, locale, depth) for part in value)
    return str(value)


def gettext(sentence: str, locale: str = DEFAULT_LOCALE) -> str:
    """The sentence in the language of `locale`; English sentences are their own translation."""
    # The empty msgid is the catalogue's own header.
    return _catalogue(locale).gettext(sentence) if sentence and locale != "en" else sentence


def reader_locale() -> str:
    """The command line's language, from LC_ALL, LC_MESSAGES, LANGUAGE or LANG: `zh_CN` or `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh_CN" if value.lower().startswith("zh") else "en"
    return "en"

"""Names as people write them, brought to one form for comparing (never for showing)."""

import re
import unicodedata
from functools import lru_cache

_BRACKETS = str.maketrans({"[": "〔", "]": "〕", "【": "〔", "】": "〕", "（": "(", "）": ")"})
_DROPPED = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060\ufeff《》“”\"'‘’]+")

NULLS = frozenset(
    {"", "-", "--", "—", "——", "/", "\\", "无", "暂无", "空", "n/a", "na", "none", "null", "未填", "无此项"}
)
"""What people write into a cell to say nothing (domain: ledgers as they are)."""


_ASCII_DROPPED = dict.fromkeys(map(ord, filter(_DROPPED.match, map(chr, range(128)))))


_NAME_CHARACTERS = 200
"""What is longer is a document, which nobody asks of twice: it would only fill the memory."""


def normalise(text: str) -> str:
    """NFKC, case folded, without spaces, quotes and invisible characters; brackets of document numbers as 〔〕."""
    return _normalised_name(text) if len(text) <= _NAME_CHARACTERS else _normalised(text)


def _normalised(text: str) -> str:
    if text.isascii():
        # The same, at a tenth of the time: whole documents are held against the do-not-scan list.
        return text.translate(_ASCII_DROPPED).lower().replace("[", "〔").replace("]", "〕")
    folded = unicodedata.normalize("NFKC", text).translate(_BRACKETS).casefold()
    return _DROPPED.sub("", folded)


_normalised_name = lru_cache(maxsize=1 << 14)(_normalised)
"""The same names are compared with each other all night: each is folded once."""


def is_null(text: str) -> bool:
    """Whether a cell's text means "nothing said"."""
    return unicodedata.normalize("NFKC", text).strip().casefold() in NULLS

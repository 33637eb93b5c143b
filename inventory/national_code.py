"""投资项目代码, the national code of a project: since 2020-11 `YYMM-RRRRRR-DD-TT-NNNNNC` (GB/T 40058-2021, 4.2-4.7).

Month of application, region, central department, type of project, serial with a check character whose algorithm is not
published: shape, month and region are all that can be held against it. Older codes begin with the year in four digits.
Projects that only buy services have none (Art. 8), so no verdict rests on it.
"""

import re
import unicodedata

from inventory.text import Message, msg

_CODE = re.compile(r"^(\d{2})(\d{2})-(\d{2})\d{4}-\d{2}-\d{2}-\d{5}[\dA-Z]$")
_PROVINCES = frozenset(
    {"00", *map(str, (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 67)))}
)
"""First two digits of a region, GB/T 2260; 00 is the state's own."""
_MONTHS = range(1, 13)
_OLD_YEARS = range(1990, 2021)


def doubt_of(code: str) -> Message | None:
    """What is wrong with a project's national code as the register writes it; None if nothing can be seen."""
    text = re.sub(r"[-—–－_\s]+", "-", unicodedata.normalize("NFKC", code).strip()).upper()
    match = _CODE.match(text)
    if match is None:
        return msg(
            "{code} is no national project code: expected 24 characters such as 2401-420682-04-04-123456", code=code
        )
    is_month = int(match[2]) in _MONTHS
    is_old = int(match[1] + match[2]) in _OLD_YEARS
    if not (is_month or is_old):
        return msg("{code} is no national project code: {month} is no month", code=code, month=match[2])
    if match[3] not in _PROVINCES:
        return msg("{code} is no national project code: {region} is no province", code=code, region=match[3])
    return None

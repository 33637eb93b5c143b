"""How a command ends: exit codes, and the sentence for what ended it."""

import errno
from enum import IntEnum

from collectors.ledger_table import LedgerError
from commands import voice
from inventory.capture_file import CaptureError
from inventory.settings import ConfigError
from inventory.spool import SpoolError
from inventory.store import DamagedError, StoreError
from inventory.text import gettext, mark, tell


class Exit(IntEnum):
    """What the exit code says."""

    COMPLIANT = 0
    USAGE = 2
    FAIL = 3
    NOT_ALL_SEEN = 4
    COULD_NOT_RUN = 5
    INTEGRITY = 6
    INTERRUPTED = 130


class Refusal(Exception):
    """Ends the command with a sentence and an exit code."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


_CONDITIONS = {
    errno.ENOENT: mark("there is no such file or folder"),
    errno.EACCES: mark("permission denied"),
    errno.EPERM: mark("permission denied"),
    errno.EROFS: mark("the file system is read-only"),
    errno.ENOSPC: mark("the disk is full"),
    errno.EDQUOT: mark("the disk quota is used up"),
    errno.EISDIR: mark("it is a folder, expected a file"),
    errno.ENOTDIR: mark("a part of the path is a file, expected a folder"),
    errno.EEXIST: mark("it is there already"),
    errno.EADDRINUSE: mark("another program is listening there already"),
    errno.EADDRNOTAVAIL: mark("this machine does not have that address"),
}
"""What the operating system says, in the reader's language."""


def told(error: Exception) -> tuple[Exit, str]:
    """The exit code and the sentence for what ends a command."""
    match error:
        case Refusal():
            return error.code, str(error)
        case LedgerError() | ConfigError() | CaptureError():
            return Exit.USAGE, tell(error.message, voice.LOCALE)
        case DamagedError():
            return Exit.INTEGRITY, tell(error.message, voice.LOCALE)
        case StoreError() | SpoolError():
            return Exit.COULD_NOT_RUN, tell(error.message, voice.LOCALE)
        case OSError():
            return Exit.COULD_NOT_RUN, os_sentence(
                error.filename or gettext(mark("standard output"), voice.LOCALE), error
            )
        case _:
            return Exit.USAGE, str(error)


def os_sentence(what: object, error: OSError) -> str:
    condition = _CONDITIONS.get(error.errno or 0)
    return f"{what}: {gettext(condition, voice.LOCALE) if condition else error.strerror or error}"

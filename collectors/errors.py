"""Why something could not be read. Only these are caught by the runner; a bug of ours must crash.

    CollectorError
    ├── Unreachable      refused, reset, TLS, DNS
    │   └── TimedOut     no answer, or no end of it, within the limits
    ├── Unauthorized     401, 403, SSH authentication, scope too narrow
    ├── HostKeyMismatch  unknown or changed SSH host key
    ├── Unreadable       an answer that is not what the API documents
    └── Skipped          not tried: an earlier failure, a deadline, the do-not-scan list

The message is a translatable sentence: who refused, what was asked, what would help.
"""

import ssl

from inventory.coverage import CellState, Failure
from inventory.text import Message, tell


def root_cause(error: BaseException) -> str | None:
    """The operating system's own word on a failed connection (`Connection refused`), if it is behind the error.

    Libraries wrap it several times and show their wrapping.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, OSError) and cause.strerror and type(cause).__module__ == "builtins":
            return cause.strerror
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return None


def certificate_fault(error: BaseException) -> str | None:
    """OpenSSL's own word on a certificate (`certificate has expired`), if it is behind the error."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return None


class CollectorError(Exception):
    """Something that was planned could not be read, or not all of it."""

    state = CellState.FAILED
    failure: Failure | None = None

    def __init__(self, message: Message, *, unseen: tuple[str, ...] = ()) -> None:
        """`unseen` names what is known to exist and was not read."""
        super().__init__(tell(message, "en"))
        self.message = message
        self.unseen = unseen


class Unreachable(CollectorError):
    """The source did not answer."""

    failure = Failure.UNREACHABLE


class TimedOut(Unreachable):
    """The source did not answer in time, or not to the end."""

    failure = Failure.TIMEOUT


class Unauthorized(CollectorError):
    """The source answered and refused."""

    failure = Failure.AUTH_FAILED


class HostKeyMismatch(CollectorError):
    """The host's key is unknown or is not the one on record."""

    failure = Failure.HOSTKEY_MISMATCH


class Unreadable(CollectorError):
    """The source answered something that its API does not document."""

    failure = Failure.UNREADABLE


class Skipped(CollectorError):
    """It was not tried."""

    state = CellState.SKIPPED


class NotConfigured(CollectorError):
    """The source has no such service."""

    state = CellState.NOT_CONFIGURED

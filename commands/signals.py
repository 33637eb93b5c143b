"""SIGINT and SIGTERM: what they do while a command works, and while sources are read."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from commands import voice
from commands.outcome import Exit
from commands.voice import errors
from inventory.text import gettext, mark


class Interrupted(BaseException):
    """SIGINT or SIGTERM. A class of its own: typer takes KeyboardInterrupt for itself and says nothing."""


INTERRUPTED = mark("interrupted; nothing was kept of this run")
CUT_SHORT = mark("interrupted; nothing was concluded. --resume goes on with what was read")


def interrupt(*_: object) -> NoReturn:
    raise Interrupted


@contextmanager
def leaving_at_once(farewell: str = INTERRUPTED) -> Iterator[None]:
    """While sources are read a signal ends the program at once: nothing is half written, and a source may be silent
    for minutes. A thread of its own sees to it, since the main one may be waiting in a call that no signal wakes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told, wakes = socket.socketpair()
    wakes.setblocking(False)

    def leave() -> None:
        while said := told.recv(1):
            if said[0] in (signal.SIGINT, signal.SIGTERM):
                cursor = "\r\x1b[?25h" if errors.is_terminal else ""
                sentence = f"{cursor}yunhe: {gettext(farewell, voice.LOCALE)}\n"
                with suppress(OSError):
                    os.write(2, sentence.encode(sys.stderr.encoding or "utf-8", "replace"))
                os._exit(Exit.INTERRUPTED)

    watcher = threading.Thread(target=leave, name="yunhe-signals", daemon=True)
    watcher.start()
    before = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    try:
        with handled(lambda *_: None):
            yield
    finally:
        signal.set_wakeup_fd(before)
        wakes.close()
        watcher.join()
        told.close()


@contextmanager
def handled(handler: Callable[..., object]) -> Iterator[None]:
    """SIGINT and SIGTERM do this; the handlers of before come back afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)

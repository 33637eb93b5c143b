"""Exec credential plugins of a kubeconfig, held to a time limit: programs that may wait for a person for ever.

The client starts one wherever it needs a token, and waits without a limit. Here it waits in a thread of its own, and
when the time is over all that it started is killed.
"""

import contextlib
import os
import signal
import subprocess
import threading
import types
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from collectors.child_process import dies_with_us

T = TypeVar("T")
_here = threading.local()


class PluginHangs(Exception):
    """It did not end in time, and was killed, unless it runs as another user."""


def in_time(work: Callable[[], T], seconds: float) -> T:
    """What `work` returns, in which the client may start a plugin.

    Raises:
        PluginHangs: after so many seconds.
    """
    _starts_plugins_our_way()
    done: Future[T] = Future()
    leash = _Leash()

    def run() -> None:
        _here.leash = leash
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=run, name="yunhe-kubernetes-plugin", daemon=True).start()
    try:
        return done.result(seconds)
    except TimeoutError:
        if done.done():
            raise
        leash.end()
        raise PluginHangs from None


class _Leash:
    """The plugins that one thread started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plugins: list[_Plugin] = []
        self._is_over = False

    def holds(self, plugin: "_Plugin") -> None:
        with self._lock:
            self._plugins.append(plugin)
            if self._is_over:  # it began while the time ran out
                plugin.end()

    def end(self) -> None:
        with self._lock:
            self._is_over = True
            for plugin in self._plugins:
                plugin.end()


class _Plugin(subprocess.Popen[str]):
    """A plugin in a session of its own, so that what it started ends with it, and it with us.

    At a terminal the client gives it ours to ask a person by: then it stays where Ctrl-C reaches it, and ends alone.
    """

    def __init__(self, args: list[str], **options: Any) -> None:
        self._is_apart = options.get("stdin") is None
        super().__init__([*dies_with_us(), *args], start_new_session=self._is_apart, **options)
        _here.leash.holds(self)

    def end(self) -> None:
        # What runs as somebody else (`sudo`) is not ours to end: it is left behind, and the others are ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._is_apart:
                # Also where it has ended itself: what it left behind in its session may hold the pipe that is read.
                os.killpg(self.pid, signal.SIGKILL)
            else:
                self.kill()


def _starts_plugins_our_way() -> None:
    """The client has no place to say how a plugin is started: the name by which it calls `subprocess` is changed."""
    from kubernetes.config import exec_provider

    client: Any = exec_provider
    if not isinstance(client.subprocess, _OurSubprocess):
        client.subprocess = _OurSubprocess()


class _OurSubprocess(types.ModuleType):
    """The module `subprocess`, with our way to start a program."""

    def __init__(self) -> None:
        super().__init__("subprocess")
        self.__dict__.update(vars(subprocess) | {"Popen": _Plugin})

"""Programs that a collector starts."""

import functools
import shutil
import subprocess

_DIES = ("--pdeathsig", "KILL")
_SECONDS = 5
"""For setpriv to start a program that does nothing."""


def dies_with_us() -> list[str]:
    """What stands before a command so that nothing goes on when this program was killed: Linux does that, through
    util-linux. Empty where that is not there, or cannot do it."""
    setpriv = shutil.which("setpriv")
    return [setpriv, *_DIES] if setpriv and _works(setpriv) else []


@functools.cache
def _works(setpriv: str) -> bool:
    """Whether this setpriv starts a program so: those of busybox and of RHEL 8 refuse the option, and start nothing."""
    command = [setpriv, *_DIES, "true"]
    try:
        # No shell, and nothing of the configuration in it.
        ran = subprocess.run(  # noqa: S603
            command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return ran.returncode == 0

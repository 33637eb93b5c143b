"""Programs that a collector starts."""

import shutil


def dies_with_us() -> list[str]:
    """What stands before a command so that nothing goes on when this program was killed: Linux does that, through
    util-linux. Empty where that is not there."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []

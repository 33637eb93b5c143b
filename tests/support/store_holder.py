"""Another process that holds a store's lock."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HOLDER = """
import sys
from stored_nights import fill
from inventory import store_lock, store_writer
from inventory.store import Store, StoreError, lock
store_lock.HEARTBEAT_SECONDS = 0.2
store_lock.STALE_SECONDS = float(sys.argv[3])
write = store_writer.write_scan
def slowly(*scan):
    kept = write(*scan)
    print("written", flush=True)
    sys.stdin.readline()
    return kept
if sys.argv[2] == "slowly":
    store_writer.write_scan = slowly
with lock(sys.argv[1]) as held:
    print("held", flush=True)
    sys.stdin.readline()
    try:
        with Store(sys.argv[1], held=held) as store:
            fill(store, 1)
        print("saved", flush=True)
    except StoreError as error:
        print("refused", error, flush=True)
"""


@contextmanager
def other_process(place: str, *, how: str = "at once", stale: float = 180) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lock, and saves a scan when it gets a line; `slowly`: when it gets another one."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLDER, place, how, str(stale)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()

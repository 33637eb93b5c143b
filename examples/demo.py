"""`make demo`: scans the bundled example city with the program that `make demo` installed, and says what came out.

Runs in a folder of its own (`.demo/`), so that nothing of the example is changed; a second run scans once more,
and begins anew if the city's captures were taken anew.
"""

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".demo"
VERDICT_CODES = (0, 3, 4)
"""A scan that ran to its end ends with one of these."""


def main() -> int:
    """Returns 0 if the scan and its report came out, whatever the verdicts."""
    city = ROOT / "examples" / "yunze"
    if not _is_of(city):
        shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(exist_ok=True)
    for name in ("captures", "ledgers"):
        shutil.rmtree(WORK / name, ignore_errors=True)
        shutil.copytree(city / name, WORK / name)
    shutil.copy(city / "yunhe.toml", WORK / "yunhe.toml")
    config, report = WORK / "yunhe.toml", WORK / "report.html"
    yunhe = [str(Path(sys.executable).with_name("yunhe"))]
    environment = {
        **os.environ,
        "LC_ALL": "zh_CN.UTF-8",
        "PYTHONUTF8": "1",
        "COLUMNS": os.environ.get("COLUMNS", "140"),
    }
    with (WORK / "scan.log").open("wb") as log:
        scan = subprocess.run([*yunhe, "scan", "-c", str(config)], check=False, env=environment, stderr=log)
    if scan.returncode not in VERDICT_CODES:
        sys.stderr.write((WORK / "scan.log").read_text(encoding="utf-8"))
        return scan.returncode or 1
    made = subprocess.run(
        [*yunhe, "report", "-c", str(config), "-o", str(report)],
        check=False,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    if made.returncode != 0:
        return made.returncode
    print(f"\n扫描退出码 {scan.returncode};演示本身正常结束,退出码 0")
    print(f"报告:{report}")
    print(f"再看一项:{os.path.relpath(yunhe[0])} explain -c {os.path.relpath(config)} jtj-zc-tower")
    return 0


def _is_of(city: Path) -> bool:
    """Whether what was scanned before is this city: another's hosts would all be missed at once."""
    names = [capture.name for capture in (city / "captures").iterdir()]
    same, _, _ = filecmp.cmpfiles(city / "captures", WORK / "captures", names, shallow=False)
    return len(same) == len(names)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    sys.exit(code)

"""The command `yunhe`: which commands there are, and how one ends. Each of them is a module of `commands/`.

Exit codes: 0 compliant · 2 usage, config or input · 3 a check fails · 4 nothing failed but not all was seen ·
5 could not run at all · 6 integrity · 130 interrupted; 1 is left to a crash. Data goes to stdout, words to stderr.
"""

import logging
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, NoReturn

import typer

from collectors.ledger_table import LedgerError
from commands import (
    backup,
    baseline,
    checks_list,
    collect,
    design,
    diff,
    doctor,
    due,
    evidence,
    explain,
    findings,
    hostkeys,
    init,
    metrics,
    names,
    policy,
    prune,
    report,
    scan,
    store,
    store_stats,
    voice,
    waiver,
)
from commands.outcome import Exit, Refusal, told
from commands.output import drop_stdout, flushed
from commands.signals import INTERRUPTED, Interrupted, handled, interrupt
from commands.voice import complain, in_words
from inventory.capture_file import CaptureError
from inventory.settings import ConfigError
from inventory.spool import SpoolError
from inventory.store import StoreError
from inventory.text import gettext, mark


def _group(help_: str) -> typer.Typer:
    return typer.Typer(no_args_is_help=True, help=in_words(help_))


app = typer.Typer(
    name="yunhe",
    help=in_words(mark("Yunhe: checks that a city's projects run on its government cloud and share their data.")),
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
evidence_app = _group(mark("Evidence for acceptance panels (Art. 23(7))."))
baseline_app = _group(mark("Name scans that later ones are measured by."))
store_app = _group(mark("Look after the store of scans."))
export_app = _group(mark("Export results to other programs."))
hostkeys_app = _group(mark("Get to know the keys of SSH hosts."))
policy_app = _group(mark("The rule that scans are judged by."))
waiver_app = _group(mark("Recorded exemptions."))
map_app = _group(mark("Names that a person confirmed: what ledgers, tenants and hosts mean in the register."))
app.add_typer(evidence_app, name="evidence")
app.add_typer(policy_app, name="policy")
app.add_typer(waiver_app, name="waiver")
app.add_typer(map_app, name="map")
app.add_typer(export_app, name="export")
app.add_typer(store_app, name="store")
app.add_typer(baseline_app, name="baseline")
app.add_typer(hostkeys_app, name="hostkeys")


@app.callback(invoke_without_command=True)
def _main(
    show_version: Annotated[bool, typer.Option("--version", help=in_words(mark("Show the version and exit.")))] = False,
) -> None:
    if show_version:
        typer.echo(voice.TOOL)
        raise typer.Exit


NAMES = {
    "list_due": "due",
    "set_baseline": "set",
    "list_baselines": "list",
    "audit_waivers": "audit",
    "audit_names": "audit",
    "judge_by": "test",
}
"""Commands whose function is called otherwise."""

for group, function, help_ in (
    (app, init.init, mark("Write a commented configuration and the ledger templates.")),
    (app, collect.collect, mark("Read the sources and write what they say to one portable file.")),
    (app, scan.scan, mark("Read the sources, judge what they say, and keep the result.")),
    (app, findings.findings, mark("List findings of a scan.")),
    (app, explain.explain, mark("Show how a host, system, project, department or finding came to its verdict.")),
    (app, store.scans, mark("List the scans that the store holds.")),
    (app, diff.diff, mark("Compare the findings of two scans.")),
    (app, store.history, mark("Show what became of a resource over the scans, field by field.")),
    (baseline_app, baseline.set_baseline, mark("Give a scan a name, for good.")),
    (baseline_app, baseline.list_baselines, mark("List the baselines.")),
    (store_app, store.migrate, mark("Renew a store that an older version made.")),
    (store_app, store.verify, mark("Hold every row of the store against its run log; exit 6 on any change.")),
    (store_app, store_stats.stats, mark("Show what the store holds, and what the next pruning would give back.")),
    (store_app, backup.backup, mark("Copy the store at one moment into one file, verified, while scans go on.")),
    (store_app, backup.restore, mark("Fill the store with what a backup holds, all of it or nothing.")),
    (store_app, prune.prune, mark("Take away the scans that the rules of retention no longer ask for.")),
    (app, checks_list.checks, mark("List the checks and what they stand on.")),
    (app, due.list_due, mark("List what falls due, and write it as a calendar.")),
    (app, design.design, mark("Compare what technical design books declare with what runs, by project.")),
    (policy_app, policy.validate, mark("Check policy packs and print their digests.")),
    (policy_app, policy.judge_by, mark("Judge a kept scan by another pack and list what would differ.")),
    (policy_app, policy.show, mark("Show a policy pack: term, parameters, articles and what holds them.")),
    (policy_app, policy.schema, mark("Print the JSON Schema of policy packs, for editors.")),
    (waiver_app, waiver.audit_waivers, mark("Hold the waivers against a scan: in use, unused, expired, too broad.")),
    (map_app, names.propose, mark("Propose what names may mean that nothing in the register is called.")),
    (map_app, names.audit_names, mark("Hold the confirmed names against a scan: in use, dangling, contradictory.")),
    (app, doctor.doctor, mark("Look at every source without scanning: reach, rights, clocks, keys. Writes nothing.")),
    (hostkeys_app, hostkeys.learn, mark("Ask the SSH hosts for their keys and write those to be reviewed.")),
    (hostkeys_app, hostkeys.approve, mark("Add the keys that a person marked to a known_hosts file.")),
    (app, report.report, mark("Write the scan as one self-contained page.")),
    (evidence_app, evidence.build, mark("Build the signed evidence of one project.")),
    (evidence_app, evidence.verify, mark("Verify an evidence file offline; exit 6 on any change.")),
    (export_app, metrics.prometheus, mark("Write metrics for the node exporter's textfile collector.")),
    (app, metrics.serve, mark("Serve metrics of the last finished scan to Prometheus.")),
):
    group.command(name=NAMES.get(function.__name__), help=in_words(help_))(function)


def _names_its_logger(record: logging.LogRecord) -> bool:
    """Not so what the Kubernetes client says to the root logger: it quotes credential plugins, tokens and all."""
    return record.name != "root"


@cache
def _commands() -> Callable[[], object]:
    """The tree of commands: typer would make it anew whenever it is called."""
    return typer.main.get_command(app)


def main() -> NoReturn:
    """Runs the command; a user's mistake ends in one sentence, never in a traceback."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for noisy in ("paramiko", "openstack", "keystoneauth", "urllib3", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_names_its_logger)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a locale that lacks a character shows a question mark
    try:
        with handled(interrupt):
            _commands()()
    except SystemExit as ended:  # typer's way to end, with the exit code of the command
        sys.exit(flushed(ended.code))
    except (Interrupted, KeyboardInterrupt):
        complain(gettext(INTERRUPTED, voice.LOCALE))
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        drop_stdout()
        sys.exit(Exit.COMPLIANT)
    except (Refusal, LedgerError, ConfigError, StoreError, SpoolError, CaptureError, OSError) as error:
        code, sentence = told(error)
        complain(sentence)
        sys.exit(code)
    sys.exit(flushed(Exit.COMPLIANT))


if __name__ == "__main__":
    main()

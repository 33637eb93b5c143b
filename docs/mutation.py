"""Mutation testing of the checks and of whose is what: `make mutants` (docs/mutation.md).

mutmut makes the mutants and runs them. Two things of ours are added to it: properties are mutated too (mutmut leaves
every decorated function alone, and most of the code of a host is properties), and the English sentence inside
`msg("…")` is not (a test that compared it would only repeat it).
"""

import argparse
import ast
import gc
import json
import platform
import random
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent
from typing import Any

import libcst as cst
import mutmut.__main__ as mutmut_main
from mutmut.mutation import file_mutation, mutators
from mutmut.mutation.data import MutantLineSpans, SourceFileMutationData
from mutmut.mutation.file_mutation import Mutation, MutationVisitor
from mutmut.mutation.trampoline_templates import mangle_function_name
from mutmut.runners.harness import BadTestExecutionCommandsException, PytestRunner
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

SEED = 20261
PAGE = Path(__file__).with_name("mutation.md")
REASONS = Path(__file__).with_name("mutation-reasons.toml")
FIRST = Path("mutants", "first.json")
"""What became of each mutant when it first ran: once claims are written for its survivors, a sample says less."""
STATS = Path("mutants", "mutmut-stats.json")
"""Which tests call which function, as mutmut saw it."""
MARK = "<!-- written by make mutants -->"
ASKED = 0.85
NOT_RUN = 35
"""Exit code of what mutmut calls suspicious."""
ALIVE = ("survived", "no tests", "suspicious", "segfault")


def _is_property(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.FunctionDef) and [
        d.decorator.value for d in node.decorators if isinstance(d.decorator, cst.Name)
    ] == ["property"]


def _is_sentence(call: cst.CSTNode) -> bool:
    return isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value == "msg"


class _Visitor(MutationVisitor):
    """mutmut's, with properties and without sentences."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._sentences: set[cst.CSTNode] = set()

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if _is_property(node):
            return False
        if _is_sentence(node) and node.args:
            self._sentences.add(node.args[0])
        return node in self._sentences or super()._skip_node_and_children(node)


def _arg_removal(call: cst.Call) -> Iterable[cst.Call]:
    """mutmut's, which leaves the sentence of a message where it is."""
    return (
        mutant
        for mutant in mutators.operator_arg_removal(call)
        if not _is_sentence(call) or mutant.args[0] is call.args[0]
    )


_arrange = file_mutation.function_trampoline_arrangement


def _arrange_property(function: cst.FunctionDef, mutants: Iterable[Mutation], class_name: str | None) -> Any:
    """mutmut's: for a property, the switch between original and mutants is made a property, these stay functions."""
    if not _is_property(function):
        return _arrange(function, mutants, class_name)
    empty, nodes, filled, names = _arrange(function.with_changes(decorators=()), mutants, class_name)
    switch, *rest = nodes
    both = (*function.decorators, *cst.ensure_type(switch, cst.FunctionDef).decorators)
    return empty, [switch.with_changes(decorators=both), *rest], filled, names


_tests = PytestRunner.run_tests


def _run_tests(self: PytestRunner, *, mutant_name: str | None, tests: Iterable[str]) -> int:
    """mutmut's, in which a mutant that no test was run against is not killed (an error of pytest's would count so)."""
    _forget_answers()
    try:
        return _tests(self, mutant_name=mutant_name, tests=tests)
    except BadTestExecutionCommandsException:
        if mutant_name is None:
            raise
        return NOT_RUN


def _forget_answers() -> None:
    """What the unchanged program said and keeps in a cache would hide what a mutant says."""
    for found in gc.get_objects():
        if isinstance(found, _CACHED) and found.__module__.partition(".")[0] in ("checks", "inventory"):
            found.cache_clear()


_CACHED = type(lru_cache(len))


def _chosen(files: Sequence[str], sample: int) -> Callable[..., Any]:
    """mutmut's list of mutants, cut down to the files and to at most `sample` of each, the same at every run."""
    collect = mutmut_main.collect_source_file_mutation_data

    def chosen(*, mutant_names: Sequence[str]) -> Any:
        every, by_path = collect(mutant_names=mutant_names)
        names = {
            name for path, data in by_path.items() if not files or path in files for name in _sampled(data, sample)
        }
        # mutmut lets a result stand; one that survived is asked again, since a claim may have come since.
        return [
            (data, name, None if status_by_exit_code[result] in ALIVE else result)
            for data, name, result in every
            if name in names
        ], by_path

    return chosen


def _sampled(data: SourceFileMutationData, sample: int) -> list[str]:
    names = sorted(data.exit_code_by_key)
    random.Random(SEED).shuffle(names)  # noqa: S311 a sample that everybody can draw again
    return names[: sample or None]


def run(files: Sequence[str], sample: int) -> None:
    """Makes the mutants of code that changed since, and runs those that have no result yet, or that survived."""
    file_mutation.MutationVisitor = _Visitor  # type: ignore[misc]
    file_mutation.function_trampoline_arrangement = _arrange_property
    file_mutation.mutation_operators = [
        (kind, _arg_removal if operator is mutators.operator_arg_removal else operator)
        for kind, operator in mutators.mutation_operators
    ]
    mutmut_main.collect_source_file_mutation_data = _chosen(files, sample)
    # The run without a mutant names its tests one by one, as the runs with one do: where naming fails, nothing is run.
    mutmut_main.tests_for_mutant_names = lambda _: set(state().duration_by_test)
    PytestRunner.run_tests = _run_tests  # type: ignore[method-assign]
    _forget_who_calls_what()
    mutmut_main._run((), None)  # noqa: SLF001 what its command calls; None: as many at a time as there are processors
    _remember_first()


def _first() -> dict[str, str]:
    return json.loads(FIRST.read_bytes()) if FIRST.exists() else {}


def _forget_who_calls_what() -> None:
    """mutmut asks only new tests what they call: a function that is newer than a test would not be held against it."""
    if STATS.exists():
        known = json.loads(STATS.read_bytes())
        known |= {"tests_by_mangled_function_name": {}, "duration_by_test": {}}
        STATS.write_text(json.dumps(known), encoding="utf-8")


def _remember_first() -> None:
    now = {}
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        now |= {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items() if code is not None}
    FIRST.write_text(json.dumps(now | _first()), encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A mutant that no test noticed."""

    line: int
    function: str
    before: str
    after: str
    in_message: bool
    """Whether the change lies within the facts of a `msg(…)`."""


def survivors(path: Path, names: Iterable[str]) -> Iterator[Survivor]:
    """What was changed in each mutant of the file, in the order of the file."""
    spans = MutantLineSpans.load(path)
    if spans is None:
        raise SystemExit(f"{path} has no mutants: run `make mutants`")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    starts = {
        mangle_function_name(name=node.name, class_name=owner): node.lineno
        for owner, body in [(None, tree.body), *((c.name, c.body) for c in tree.body if isinstance(c, ast.ClassDef))]
        for node in body
        if isinstance(node, ast.FunctionDef)
    }
    found = []
    for name in names:
        generated = name.rpartition(".")[2]
        mangled = generated.partition("__mutmut_")[0]
        pair = [f"{mangled}__mutmut_orig", generated]
        sources = zip(pair, spans.read_function_sources(pair), strict=True)
        old, new = (_from_def(source.replace(name, "f", 1)) for name, source in sources)
        changes = [c for c in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if c[0] != "equal"]
        _, first, last, start, end = changes[0]
        found.append(
            Survivor(
                line=starts[mangled] + first,
                function=mangled.replace("x_", "", 1).replace("xǁ", "").replace("ǁ", "."),
                before=" ".join(line.strip() for line in old[first:last]),
                after=" ".join(line.strip() for line in new[start:end]),
                in_message=_without_facts(old) == _without_facts(new),
            )
        )
    yield from sorted(found, key=lambda s: (s.line, s.after))


def _from_def(source: str) -> list[str]:
    lines = dedent(source).splitlines()
    return lines[next(n for n, line in enumerate(lines) if line.startswith("def ")) :]


class _FactsDropped(ast.NodeTransformer):
    """Every `msg(…)` without what is in its parentheses."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "msg":
            return ast.Call(func=node.func, args=[], keywords=[])
        return self.generic_visit(node)


def _without_facts(function: Sequence[str]) -> str:
    return ast.dump(_FactsDropped().visit(ast.parse("\n".join(function))))


def reason(path: Path, survivor: Survivor, known: Sequence[dict[str, str]]) -> str:
    """Why it is right that no test notices: what REASONS says of it, or that only a sentence differs, or nothing."""
    for entry in known:
        if entry["file"] == str(path) and all(
            entry.get(key, text) in text
            for key, text in (
                ("function", survivor.function),
                ("before", survivor.before),
                ("after", survivor.after),
            )
        ):
            return entry["reason"]
    return "only the words of a sentence" if survivor.in_message else "**a claim is missing**"


def page(sample: int) -> Iterator[str]:
    """docs/mutation.md below its head, from the results of `make mutants`; `sample`: at most so many of each file."""
    known = tomllib.loads(REASONS.read_text(encoding="utf-8"))["survivor"] if REASONS.exists() else []
    rows, lists = [], []
    sums: Counter[str] = Counter()
    first = _first()
    weighed: list[tuple[int, int, int]] = []
    weighed_first: list[tuple[int, int, int]] = []
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        if not data.exit_code_by_key:
            continue
        # Only the sample counts, also where more was run of a file.
        statuses = {name: status_by_exit_code[data.exit_code_by_key[name]] for name in _sampled(data, sample)}
        by_status = Counter(statuses.values())
        made, ran = len(data.exit_code_by_key), len(statuses) - by_status["not checked"]
        alive = [name for name, status in statuses.items() if status in ALIVE]
        counts = {
            "made": made,
            "ran": ran,
            "killed": by_status["killed"],
            "timeout": by_status["timeout"],
            "alive": len(alive),
        }
        sums.update(counts)
        weighed.append((made, ran, by_status["killed"] + by_status["timeout"]))
        noticed = sum(
            first.get(name, status) in ("killed", "timeout")
            for name, status in statuses.items()
            if status != "not checked"
        )
        weighed_first.append((made, ran, noticed))
        rows.append((str(path), counts))
        told = [(s, reason(path, s, known)) for s in survivors(path, alive)]
        if told:
            lists += ["", f"### {path}", "", "| line | function | was | became | reason |", "|---|---|---|---|---|"]
            lists += [f"| {s.line} | {s.function} | {_cell(s.before)} | {_cell(s.after)} | {why} |" for s, why in told]
            sums["explained"] += sum(why[0] != "*" for _, why in told)
    drawn = f"at most {sample} mutants of each module, drawn with seed {SEED}" if sample else "all mutants"
    when = datetime.now(UTC).date().isoformat()
    yield f"mutmut {version('mutmut')}, Python {platform.python_version()}, {when}: {drawn}."
    yield ""
    yield "| module | mutants | run | killed | timeout | survived | score |"
    yield "|---|---|---|---|---|---|---|"
    total, _ = _estimate([each for each in weighed if each[1]])
    before, margin = _estimate([each for each in weighed_first if each[1]])
    for name, counts in [*rows, ("all", sums)]:
        score = f"{(counts['killed'] + counts['timeout']) / counts['ran']:.1%}" if counts["ran"] else "not run"
        score = f"{total:.1%}" if counts is sums else score
        yield (
            f"| {name} | {counts['made']} | {counts['ran']} | {counts['killed']} | {counts['timeout']} "
            f"| {counts['alive']} | {score} |"
        )
    yield ""
    # Only where something was learned from the sample since: else its first score is the score.
    told = (
        f" When this sample first ran, before claims were written for what survived, it was {before:.1%}: of all, "
        f"with 95 % confidence, between {max(before - margin, 0):.1%} and {min(before + margin, 1):.1%}."
        if before != total
        else ""
    )
    yield (
        f"Score of all: {total:.1%}, each module weighed by its mutants.{told} Modules below 85 %: "
        f"{', '.join(n for n, c in rows if c['ran'] and (c['killed'] + c['timeout']) / c['ran'] < ASKED) or 'none'}."
    )
    yield ""
    yield f"Survivors: {sums['alive']}, of which {sums['explained']} have a reason."
    yield from lists


def _estimate(modules: Sequence[tuple[int, int, int]]) -> tuple[float, float]:
    """Share of killed mutants over all modules, of which samples were run, and half the width of its 95 % interval.

    `modules`: mutants made, run, killed. The variance of a module's share takes two killed and two alive more than
    were seen (Agresti and Coull): a sample without a survivor does not prove that there is none.
    """
    every = sum(made for made, _, _ in modules)
    share = sum(made * killed / ran for made, ran, killed in modules) / every
    variance = 0.0
    for made, ran, killed in modules:
        near = (killed + 2) / (ran + 4)
        variance += (made / every) ** 2 * (1 - ran / made) * near * (1 - near) / ran
    return share, 1.96 * variance**0.5


def _cell(code: str) -> str:
    return f"`` {code.replace('|', chr(92) + '|')} ``" if code else "(nothing)"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="checks/waivers.py …; all that pyproject.toml names, if none")
    parser.add_argument("--sample", type=int, default=0, help="at most so many mutants of each file; 0: all")
    parser.add_argument("--page-only", action="store_true", help="write the page from the results that are there")
    arguments = parser.parse_args()
    if not arguments.page_only:
        run(arguments.files, arguments.sample)
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(head + MARK + "\n\n" + "\n".join(page(arguments.sample)) + "\n", encoding="utf-8")

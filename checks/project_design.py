"""Art. 23: whether what was built is what the technical design book 技术设计书 declared. It advises, it never fails."""

from collections.abc import Iterator

from checks.applicability import project_barrier
from checks.check import Check, Opinion, Step, Strength, absence_gaps
from checks.design_book import MILLI, Comparison, Figure, Quantity, comparison_of
from checks.line import Line, combined
from checks.policy import Policy
from checks.project_deployment import project_gate
from checks.project_steps import keeper
from checks.subjects import project_subject
from inventory.finding import Verdict
from inventory.inventory import Inventory
from inventory.records import Project
from inventory.text import Message, mark, msg

GIB = 1024**3
MOST_ADDRESSES = 8
"""Addresses that a sentence names."""

QUANTITIES = {
    Quantity.COMPONENTS: mark("components"),
    Quantity.VCPUS: mark("vCPU"),
    Quantity.MEMORY: mark("memory (GiB)"),
    Quantity.DISK: mark("disk (GiB)"),
    Quantity.ADDRESSES: mark("IP addresses"),
}
"""As tables and sentences name them, with the unit in which they show them."""
_UNITS = {Quantity.VCPUS: MILLI, Quantity.MEMORY: GIB, Quantity.DISK: GIB}


def shown(quantity: Quantity, amount: int) -> str:
    """An amount in the unit of its name, with at most one decimal."""
    return f"{amount / _UNITS.get(quantity, 1):.1f}".removesuffix(".0")


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every project of the register."""
    for project in inventory.projects:
        yield _judge(inventory, policy, project)


def _judge(inventory: Inventory, policy: Policy, project: Project) -> Opinion:
    subject = project_subject(project)
    if barrier := project_barrier(policy, project):
        return barrier.opinion(subject, (project.key,))
    compared = comparison_of(inventory, policy, project)
    if compared is None:
        return _without_book(inventory, project)
    gate = project_gate(inventory, policy, project)
    # A project that delivers machines and no system is compared all the same.
    if gate is not None and not (gate.decided_by is Step.COVERAGE and compared.is_found):
        return gate
    lines = [line for figure in compared.figures if (line := _line(compared, figure)) is not None]
    if compared.absent_addresses and not compared.doubts:
        lines.append(_absent(compared))
    if doubted := _doubted(compared):
        # Also a difference: what is not seen, or not its own, may be just what makes it.
        lines = [doubted]
    if not lines:
        lines = [_wordless(compared)]
    names = tuple(n for s in inventory.systems_of(project) for n in (s.native_id, s.name, *s.tenants))
    return combined(subject, lines, rests_on=names)


def _without_book(inventory: Inventory, project: Project) -> Opinion:
    subject = project_subject(project)
    planned = inventory.coverage.of("design_item")
    if planned and (gaps := absence_gaps(inventory.coverage, "design_item")):
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("no design book of {code} was seen, and not all of them were read", code=project.native_id),
            missing=gaps,
            evidence=(project.key,),
        )
    return Opinion(
        subject=subject,
        verdict=Verdict.NOT_APPLICABLE,
        decided_by=Step.KIND,
        reason=msg("no ledger holds a design book of {code}: there is nothing to compare with", code=project.native_id),
        evidence=(project.key,),
        from_absence=True,
    )


def _line(compared: Comparison, figure: Figure) -> Line | None:
    if figure.declared is None:
        return None
    name, told = msg(QUANTITIES[figure.quantity]), shown(figure.quantity, figure.declared)
    if figure.actual is None:
        return Line(
            verdict=Verdict.UNKNOWN,
            reason=msg("{quantity}: declared {declared}, actual not known", quantity=name, declared=told),
            missing=figure.missing,
            evidence=compared.evidence,
        )
    reason = msg(
        "{quantity}: declared {declared}, actual {actual}, tolerance {percent}%",
        quantity=name,
        declared=told,
        actual=shown(figure.quantity, figure.actual),
        percent=figure.tolerance_percent,
    )
    verdict = Verdict.PASS if figure.is_within else Verdict.ADVISORY
    return Line(verdict=verdict, reason=reason, evidence=compared.evidence, from_absence=True)


def _absent(compared: Comparison) -> Line:
    return Line(
        verdict=Verdict.ADVISORY,
        reason=msg(
            "the design book declares {addresses}, which no machine of {code} has",
            addresses=", ".join(compared.absent_addresses[:MOST_ADDRESSES]),
            code=compared.project.native_id,
        ),
        evidence=compared.evidence,
        from_absence=True,
    )


def _doubted(compared: Comparison) -> Line | None:
    code = compared.project.native_id
    if compared.doubts:
        reason: Message = msg(
            "what runs for {code} cannot be compared with its design book: {doubts}",
            code=code,
            doubts=list(compared.doubts[:MOST_ADDRESSES]),
        )
        missing = compared.missing
    elif not compared.is_found:
        reason = msg("{code} has a design book, and no component of it was found anywhere", code=code)
        missing = (
            msg("hosts, tenants or labels of {code} in the register, by {department}", code=code,
                department=keeper(compared.project)),
        )  # fmt: skip
    else:
        return None
    return Line(
        verdict=Verdict.UNKNOWN,
        decided_by=Step.COVERAGE,
        reason=reason,
        missing=missing,
        evidence=compared.evidence,
    )


def _wordless(compared: Comparison) -> Line:
    code = compared.project.native_id
    return Line(
        verdict=Verdict.UNKNOWN,
        reason=msg("the design book of {code} declares no size, count or address", code=code),
        missing=(msg("the table of resources of the design book of {code}, by {department}", code=code,
                     department=keeper(compared.project)),),
        evidence=compared.evidence,
    )  # fmt: skip


CHECK = Check(
    id="23-design",
    title=msg("What runs for a project is what its technical design book declares"),
    articles=("23",),
    clause="23",
    subject_kind="project",
    strength=Strength.EFFORT,
    reads=("project", "system", "design_item", "host", "tenant", "workload", "storage", "ownership", "segment"),
    enumerates=("project",),
    judge=judge,
    remedy=msg(
        "compare with the design book: give back what is not needed, or enter the approved change of the design"
    ),
)

"""Art. 14: capacity that the centre procured from a third party 第三方服务资源, under contract and secured."""

from collections.abc import Iterator

from checks.check import Check, Opinion, Step, Strength, absence_gaps
from checks.conclusions import has_failed
from checks.policy import Policy
from checks.protection import digits_of
from checks.subjects import contract_subject, host_subject
from inventory.finding import Subject, Verdict
from inventory.hosts import Host, Place
from inventory.inventory import Inventory, law_date
from inventory.records import ThirdPartyResource
from inventory.text import Message, msg


def judge(inventory: Inventory, policy: Policy) -> Iterator[Opinion]:
    """One opinion for every contract of the centre's register, and one for every host on such capacity."""
    hosts = [h for h in inventory.hosts if h.placement.place is Place.THIRD_PARTY]
    contracts = {c.native_id: c for c in inventory.third_parties}
    for contract in inventory.third_parties:
        used = [h for h in hosts if h.placement.contract == contract.native_id]
        yield _judge_contract(inventory, policy, contract, used)
    for host in hosts:
        number = host.placement.contract
        found = contracts.get(number) if number is not None else None
        if found is None:
            yield _without_contract(host)
        else:
            evidence = (*(host.placement.evidence or host.evidence), found.key)
            yield _judge(inventory, policy, found, host_subject(host), evidence)


def _judge_contract(inventory: Inventory, policy: Policy, contract: ThirdPartyResource, used: list[Host]) -> Opinion:
    """A contract that is past and that nothing runs on any more is no breach."""
    subject = contract_subject(contract)
    today = law_date(inventory.as_of)
    is_past = contract.valid_to is not None and contract.valid_to < today
    is_ahead = contract.valid_from is not None and contract.valid_from > today
    if used or not (is_past or is_ahead):
        evidence = (contract.key, *(k for h in used for k in h.placement.evidence or h.evidence))
        return _judge(inventory, policy, contract, subject, evidence)
    if gaps := absence_gaps(inventory.coverage, "host"):
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            decided_by=Step.COVERAGE,
            reason=msg("the contract does not hold today ({term}), whether anything still runs on it was not seen",
                       term=_term(contract)),
            missing=gaps,
            evidence=(contract.key,),
        )  # fmt: skip
    return Opinion(
        subject=subject,
        verdict=Verdict.NOT_APPLICABLE,
        decided_by=Step.ERA,
        reason=msg("the contract does not hold today ({term}), and no host was seen on it", term=_term(contract)),
        evidence=(contract.key,),
        from_absence=True,
    )


def _judge(
    inventory: Inventory, policy: Policy, contract: ThirdPartyResource, subject: Subject, evidence: tuple[str, ...]
) -> Opinion:
    today = law_date(inventory.as_of)
    rests_on = (contract.native_id, contract.provider)
    starts_late = contract.valid_from is not None and contract.valid_from > today
    if (contract.valid_to is not None and contract.valid_to < today) or starts_late:
        return Opinion(
            subject=subject,
            verdict=Verdict.FAIL,
            reason=msg(
                "contract {contract} with {provider} does not cover {today}: {term}; it does not meet {article}",
                article=policy.pack.article("14"),
                contract=contract.native_id,
                provider=contract.provider,
                today=today.isoformat(),
                term=_term(contract),
            ),
            evidence=evidence,
            rests_on=rests_on,
        )
    missing = tuple(_missing(contract))
    if missing:
        return Opinion(
            subject=subject,
            verdict=Verdict.UNKNOWN,
            reason=msg(
                "contract {contract} with {provider}: that it holds and is secured is not shown",
                contract=contract.native_id,
                provider=contract.provider,
            ),
            missing=missing,
            evidence=evidence,
            rests_on=rests_on,
        )
    is_filed = digits_of(contract.filing_number) is not None
    return Opinion(
        subject=subject,
        verdict=Verdict.PASS,
        reason=msg(
            "procured by the centre under contract {contract} with {provider} ({term}), security shown by {proof}",
            contract=contract.native_id,
            provider=contract.provider,
            term=_term(contract),
            proof=(contract.filing_number if is_filed else contract.security_assessment) or "-",
        ),
        evidence=evidence,
        rests_on=rests_on,
    )


def _missing(contract: ThirdPartyResource) -> Iterator[Message]:
    if contract.valid_to is None:
        yield msg("last day of contract {contract}, by the city operations centre", contract=contract.native_id)
    if digits_of(contract.filing_number) is None and not _is_assessed(contract):
        yield msg(
            "security evidence of {provider} (filing number of its cloud, or its security assessment), by the city "
            "operations centre",
            provider=contract.provider,
        )


def _is_assessed(contract: ThirdPartyResource) -> bool:
    """Whether the register names a security assessment; 否, 未评估 and 待评估 name none."""
    said = contract.security_assessment
    return (
        said is not None and not said.strip().startswith(("否", "无", "未", "没", "不", "待")) and not has_failed(said)
    )


def _without_contract(host: Host) -> Opinion:
    return Opinion(
        subject=host_subject(host),
        verdict=Verdict.UNKNOWN,
        reason=msg("it stands on procured capacity, but its contract is not in the register"),
        missing=(msg("the contract that covers {host}, by the city operations centre", host=host.name),),
        evidence=host.placement.evidence or host.evidence,
    )


def _term(contract: ThirdPartyResource) -> str:
    since = contract.valid_from.isoformat() if contract.valid_from else "…"
    until = contract.valid_to.isoformat() if contract.valid_to else "…"
    return f"{since} – {until}"


CHECK = Check(
    id="14-third-party",
    title=msg("Third-party capacity is under the centre's contract and secured"),
    articles=("14",),
    clause="14-b",
    subject_kind="contract",
    strength=Strength.MUST,
    reads=("third_party", "host"),
    enumerates=("third_party",),
    judge=judge,
    remedy=msg("the city operations centre extends the contract, or what runs there moves to the government cloud"),
)

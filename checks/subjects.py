"""Subjects of findings, made from records."""

from checks.policy import Policy
from inventory.finding import Subject
from inventory.hosts import Host, Ownership, OwnershipRule
from inventory.inventory import Inventory
from inventory.records import Project, System, ThirdPartyResource


def host_subject(host: Host) -> Subject:
    """A host 主机."""
    return Subject(
        kind="host", id=host.id, name=host.name, department=host.department, projects=host.ownership.projects
    )


def host_words(host: Host) -> tuple[str, ...]:
    """Everything by which a ledger may mean the host: names, ids, serial and asset numbers, addresses."""
    said = {t for s in host.sightings for t in (s.name, s.native_id, s.uuid, s.serial, s.asset_number)}
    return tuple(sorted({t for t in said if t} | set(host.addresses)))


def unheard(ownership: Ownership) -> tuple[str, ...]:
    """What labels and declarations name and the register does not have: its row may be one that could not be used."""
    said: set[str] = set()
    for hit in ownership.hits:
        if hit.rule is OwnershipRule.LABEL and not (hit.systems or hit.projects):
            said.add(hit.value.partition("=")[2])
        elif hit.rule is OwnershipRule.DECLARED:
            said.update(hit.value.partition(" → ")[2].split(", "))
    return tuple(sorted(said - {""}))


def system_subject(inventory: Inventory, system: System) -> Subject:
    """A system 信息系统."""
    return Subject(
        kind="system",
        id=system.native_id,
        name=system.name,
        department=system.department,
        projects=tuple(p.native_id for p in inventory.projects_of(system)),
    )


def project_subject(project: Project) -> Subject:
    """A project 项目."""
    return Subject(
        kind="project",
        id=project.native_id,
        name=project.name,
        department=project.department,
        projects=(project.native_id,),
    )


def contract_subject(resource: ThirdPartyResource) -> Subject:
    """A contract for third-party capacity 第三方服务合同."""
    return Subject(kind="contract", id=resource.native_id, name=f"{resource.native_id} {resource.provider}")


def platform_subject(policy: Policy) -> Subject:
    """The government cloud 大数据中心政务云."""
    return Subject(kind="platform", id="platform", name=policy.platform_name)

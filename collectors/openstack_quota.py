"""Quotas and usage of each project: of Nova, Cinder and Neutron, as each counts for itself.

API: https://docs.openstack.org/api-ref/compute/#show-the-detail-of-quota,
https://docs.openstack.org/api-ref/block-storage/v3/#show-quotas-for-a-project,
https://docs.openstack.org/api-ref/network/v2/#show-quota-details-for-a-tenant. None of them lists: each project is one
request to each service, and none of that grows with the number of servers.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from collectors.collector import Incomplete, Reading, Said
from collectors.errors import CollectorError, NotConfigured, Unreadable
from collectors.openstack_answers import SharedAnswers
from collectors.openstack_connection import NotFound, OpenStackRegion, Params, Refused, Service
from collectors.openstack_identity import Project, Survey
from collectors.openstack_pages import decoded, parsed, raw
from inventory.records import Quota
from inventory.text import Message, msg

logger = logging.getLogger(__name__)

MIB = 1024**2
GIB = 1024**3
HOPELESS = 3
"""Projects in a row, the first ones, for which a service gives no quota: then it gives none to us."""


class Amount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a project may have of one resource, -1 for no limit, and what it has: `in_use` or, of Neutron, `used`."""

    limit: int | None = None
    in_use: int | None = None
    used: int | None = None

    @property
    def is_told(self) -> bool:
        """Whether it says anything."""
        return self != Amount()


Amounts = Mapping[str, Amount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A service that counts what each project has."""

    name: str
    service: Service
    path: str
    """With the project's id as `{}`."""
    key: str
    params: Params = ()
    units: Mapping[str, int]
    """The resources that are kept, and how many base units one of the service's own is."""


NOVA = Counter(
    name="nova",
    service="compute",
    path="/os-quota-sets/{}/detail",
    key="quota_set",
    units={"instances": 1, "cores": 1, "ram": MIB},
)
CINDER = Counter(
    name="cinder",
    service="block-storage",
    path="/os-quota-sets/{}",
    key="quota_set",
    params=(("usage", "True"),),
    units={"volumes": 1, "gigabytes": GIB, "snapshots": 1, "backups": 1, "backup_gigabytes": GIB},
)
NEUTRON = Counter(
    name="neutron",
    service="network",
    path="/quotas/{}/details.json",
    key="quota",
    units={"network": 1, "subnet": 1, "port": 1, "router": 1, "floatingip": 1, "security_group": 1},
)


def read_quotas(survey: Survey) -> Iterator[Said]:
    """Quota and usage of every project, by Nova, Cinder and Neutron where the region has them.

    Raises:
        NotConfigured: the region has none of the three.
        CollectorError: none of the three could be asked.
    """
    projects = _projects(survey)
    if survey.reach.projects is None or survey.reach.gaps:
        yield Incomplete(_unknown_projects(survey))
    missing: list[NotConfigured] = []
    failed: list[CollectorError] = []
    counters = (NOVA, CINDER, NEUTRON)
    for counter in counters:
        try:
            survey.need(counter.service)
            yield from _counted(survey, counter, projects)
        except NotConfigured as error:
            missing.append(error)
        except CollectorError as error:
            failed.append(error)
    if len(missing) == len(counters):
        raise missing[0]
    if failed and len(failed) + len(missing) == len(counters):
        raise failed[0]
    for each in failed:
        yield Incomplete(each.message, each.unseen)


def nova_usage(survey: Survey) -> AbstractContextManager[Mapping[str, Future[Amounts]]]:
    """What Nova counts in each project, by the project's id; asked once for whoever needs it."""
    return _asked(survey, NOVA, survey.nova_quotas, _projects(survey))


def amounts(region: OpenStackRegion, counter: Counter, project_id: str) -> Amounts:
    """What a service counts in a project.

    Raises:
        CollectorError: it could not be had, or is not what the API documents.
    """
    path = counter.path.format(quote(project_id, safe=""))
    document = decoded(region, path, region.get(counter.service, path, counter.params))
    told = parsed(region, path, document.get(counter.key, b"null"), dict[str, msgspec.Raw])
    found = {name: parsed(region, path, told[name], Amount) for name in counter.units if name in told}
    return {name: amount for name, amount in found.items() if amount.is_told}


def to_quota(counter: Counter, project_id: str, told: Amounts, survey: Survey) -> Quota:
    """Quota and usage of a project 配额与用量, in base units."""
    limits = {n: a.limit * counter.units[n] for n, a in told.items() if a.limit is not None and a.limit >= 0}
    used = {n: have * counter.units[n] for n, a in told.items() if (have := _have(a)) is not None}
    return Quota(
        source=survey.region.source,
        native_id=survey.local(f"{counter.name}/{project_id}"),
        observed_at=survey.now,
        name=counter.name,
        tenant=project_id,
        limits=limits,
        used=used,
    )


def _counted(survey: Survey, counter: Counter, projects: Mapping[str, Project]) -> Iterator[Said]:
    shared = survey.nova_quotas if counter is NOVA else SharedAnswers[str, Amounts]()
    unseen: list[Project] = []
    first: CollectorError | None = None
    has_any = False
    with _asked(survey, counter, shared, projects) as answers:
        for identifier, answer in answers.items():
            try:
                told = answer.result()
            except CollectorError as error:
                if _is_gone(survey.region, identifier, error):
                    logger.info("%s: project %s was deleted meanwhile", survey.region.source, identifier)
                    continue
                first = first or error
                unseen.append(projects[identifier])
                if not has_any and (isinstance(error, Refused) or len(unseen) >= HOPELESS):
                    raise type(error)(error.message, unseen=_names(survey, projects.values())) from error
                continue
            has_any = True
            record = to_quota(counter, identifier, told, survey)
            yield Reading(record, {"project_id": identifier, **{name: raw(amount) for name, amount in told.items()}})
    if first is not None and not has_any:
        raise first
    if first is not None:
        yield Incomplete(first.message, _names(survey, unseen))


def _asked(
    survey: Survey, counter: Counter, shared: SharedAnswers[str, Amounts], projects: Mapping[str, Project]
) -> AbstractContextManager[Mapping[str, Future[Amounts]]]:
    return shared.asked(tuple(projects), lambda project_id: amounts(survey.region, counter, project_id))


def _is_gone(region: OpenStackRegion, project_id: str, error: CollectorError) -> bool:
    """Whether a service refused to count in a project because it was deleted since Keystone listed it."""
    if not isinstance(error, Unreadable):
        return False
    try:
        region.get("identity", f"/projects/{quote(project_id, safe='')}")
    except NotFound:
        return True
    except CollectorError:
        return False
    return False


def _projects(survey: Survey) -> dict[str, Project]:
    """Every project that is known; our own where Keystone gives no list."""
    reach, token = survey.reach, survey.region.token
    if reach.projects is None:
        own = token.project_id
        return {own: Project(id=own, name=token.project_name or own)} if own else {}
    return {p.id: p for p in reach.projects if not p.is_domain}


def _unknown_projects(survey: Survey) -> Message:
    reach = survey.reach
    cause = reach.error.message if reach.error is not None else next(iter(reach.gaps), msg("no reason was given"))
    return msg("quotas are asked for project by project, and not every project is known: {cause}", cause=cause)


def _names(survey: Survey, projects: Iterable[Project]) -> tuple[str, ...]:
    return survey.reach.names(tuple(projects))


def _have(amount: Amount) -> int | None:
    return amount.in_use if amount.in_use is not None else amount.used

"""Another city's rule is another pack: nothing of it is code, and a scan by it differs where its parameters do."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import builders as b
import msgspec
import pytest
from verdicts import english, finding_on, verdict_on

from checks.catalogue import CATALOGUE, check_by_id
from checks.check import Check
from checks.due import due
from checks.judge import judge
from checks.policy import Policy, basis_warnings
from checks.regulation import (
    Pack,
    PackError,
    built_in_packs,
    load_pack,
    pack_bytes,
    pack_schema,
    parse_pack,
)
from inventory.finding import Verdict
from inventory.hosts import Host, Place
from inventory.inventory import Inventory
from inventory.records import Nic, View
from inventory.scan import PackText, ScanOptions
from inventory.settings import PolicyChoices, RecognisedCentre
from inventory.text import tell

YUNZE = (Path(__file__).parents[2] / "examples" / "packs" / "yunze.toml").read_bytes()
OWN = parse_pack(YUNZE)
CENTRE = RecognisedCentre(name="水利机房", document="云数认〔2025〕2号", zone="专网", cidrs=("192.168.9.0/24",))


def check(id_: str) -> Check:
    found = check_by_id(id_)
    assert found is not None
    return found


def old_server(name: str = "old", address: str = "192.168.9.15/24", zone: str = "专网") -> Host:
    seen = b.sighting(name, View.OS, b.SSH, zone=zone, nics=(Nic(addresses=(address,)),))
    card = b.sighting(name, View.ASSET, "ledger:assets", commissioned_on=date(2018, 1, 1), department="市教育局")
    return b.host(name, Place.STANDALONE_PHYSICAL, b.owned(projects=()), (seen, card))


def legacy_city(**fields: object) -> Inventory:
    return b.city(projects=(b.legacy_project(),), hosts=(old_server(),), **fields)


def own_policy(**choices: object) -> Policy:
    return b.policy(PolicyChoices(**choices), pack=OWN)  # type: ignore[arg-type]


# ── what a pack is ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_program_brings_two_cities_rules() -> None:
    assert built_in_packs() == ("laohekou-2024", "wuhan-2021")


@pytest.mark.parametrize("name", built_in_packs())
def test_every_check_stands_on_an_article_or_is_left_out(name: str) -> None:
    """A check whose clause the rule does not have is named; none fails for want of its words."""
    pack = load_pack(name)

    for each in CATALOGUE:
        if each.id in pack.without:
            continue
        assert pack.quote(each.clause)
        assert pack.cites(each.articles)
    assert set(pack.without) <= {c.id for c in CATALOGUE}


def test_an_excerpt_says_so() -> None:
    told = [english(m) for m in basis_warnings(Policy(pack=load_pack("wuhan-2021")), date(2026, 1, 1))]

    assert any("excerpts" in sentence for sentence in told)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("version = 1", "version = 0"), "version"),
        (('id = "yunze-2024"', 'id = "../x"'), "id"),
        (("legacy_deadline = 2026-06-30", "legacy_deadlin = 2026-06-30"), "legacy_deadlin"),
        (("expires_on = 2029-01-14", "expires_on = 2023-01-14"), "after expires_on"),
        (('"14" = "14"', ""), None),
        (('basis = "14"', 'basis = "99"'), "99"),
        (('"23(7)" = "25(7)"', '"23(7)" = "99"'), "99"),
        (("各地各部门不再单独新建服务器存储能力、计算资源\"", "各地各部门可以新建\""), "word for word"),
        (("effective_from = 2024-01-15", "effective_from = 2024-15-01"), "expected a policy pack"),
    ],
)  # fmt: skip
def test_a_pack_that_contradicts_itself_is_refused(change: tuple[str, str], words: str | None) -> None:
    text = YUNZE.decode()
    changed = text.replace(*change, 1)
    if words is None:
        parse_pack(changed.encode())
        return
    assert changed != text

    with pytest.raises(PackError) as refused:
        parse_pack(changed.encode())

    assert words in tell(refused.value.message, "en")


def test_a_pack_from_outside_has_a_size() -> None:
    with pytest.raises(PackError, match="larger"):
        parse_pack(b"#" * 5_000_000)


@pytest.mark.parametrize("name", ["../../etc/passwd", "no-such-pack", "laohekou_2024", "LAOHEKOU-2024"])
def test_an_id_is_no_path(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        pack_bytes(name)


def test_the_schema_for_editors_is_that_of_the_types() -> None:
    schema = pack_schema()

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    parameters = definitions["Parameters"]["properties"]
    assert set(parameters) == set(msgspec.structs.asdict(OWN.parameters))
    assert definitions["PackFile"]["additionalProperties"] is False


# ── articles and names of its own ─────────────────────────────────────────────────────────────────────────────────────


def test_sentences_cite_the_rule_s_own_articles() -> None:
    """Art. 23(7) of the default rule is Art. 25(7) of this one; findings keep the key that checks know."""
    standalone = b.city(hosts=(b.tower(ownership=b.owned()),))

    finding = finding_on(check("23.7-deployment"), standalone, "project/P-1", own_policy())

    assert finding.articles == ("23(7)",)
    assert "不符合第二十五条第(七)项" in tell(finding.reason)
    assert "Art. 25(7)" in english(finding.reason)
    assert OWN.cite(finding.articles[0]) == "第二十五条第(七)项"


def test_the_default_rule_is_cited_as_ever() -> None:
    standalone = b.city(hosts=(b.tower(ownership=b.owned()),))

    finding = finding_on(check("23.7-deployment"), standalone, "project/P-1")

    assert "不符合第二十三条第(七)项" in tell(finding.reason)


def test_the_cloud_is_called_as_the_rule_calls_it() -> None:
    """Unless the config names it."""
    plain = own_policy()
    made = Policy.from_options(ScanOptions(city="云泽市", pack=PackText(id=OWN.id, text=YUNZE.decode())))

    assert plain.platform_name == made.platform_name == "云泽政务云"
    assert tell(plain.centre) == "市城运中心"
    assert finding_on(check("15-platform"), b.city(), "platform/platform", plain).subject.name == "云泽政务云"


# ── parameters ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deadline_makes_what_was_an_effort_binding() -> None:
    assert verdict_on(check("16-migration"), legacy_city(), "system/S-1") == "advisory"
    assert verdict_on(check("16-migration"), legacy_city(), "system/S-1", own_policy()) == "fail"


def test_before_the_deadline_it_still_advises() -> None:
    early = replace(legacy_city(), as_of=b.NIGHT.replace(year=2026, month=6, day=30, hour=15))
    fresh = replace(own_policy(), fresh_hours=24 * 365)

    assert verdict_on(check("16-migration"), early, "system/S-1", fresh) == "advisory"


def test_the_owner_s_own_deadline_outranks_the_rule_s() -> None:
    later = own_policy(legacy_deadline=date(2027, 12, 31))

    assert verdict_on(check("16-migration"), legacy_city(), "system/S-1", later) == "advisory"


def test_what_stands_in_a_recognised_data_centre_need_not_move() -> None:
    recognised = own_policy(recognised=(CENTRE,))

    finding = finding_on(check("16-migration"), legacy_city(), "system/S-1", recognised)

    assert (finding.verdict, finding.decided_by) == (Verdict.NOT_APPLICABLE, "exemption")
    assert "云数认〔2025〕2号" in tell(finding.reason)


@pytest.mark.parametrize(
    "host",
    [old_server(address="192.168.8.15/24"), old_server(zone="外网")],
    ids=["another network", "another zone"],
)
def test_recognition_reaches_as_far_as_its_networks(host: Host) -> None:
    """The same private address in another zone is another machine."""
    elsewhere = b.city(projects=(b.legacy_project(),), hosts=(host,))

    assert verdict_on(check("16-migration"), elsewhere, "system/S-1", own_policy(recognised=(CENTRE,))) == "fail"


def test_recognition_ends() -> None:
    past = own_policy(recognised=(msgspec.structs.replace(CENTRE, valid_to=date(2026, 11, 22)),))

    assert verdict_on(check("16-migration"), legacy_city(), "system/S-1", past) == "fail"


def test_a_rule_that_knows_no_recognition_does_not_read_it() -> None:
    default = b.policy(PolicyChoices(recognised=(CENTRE,)))

    assert verdict_on(check("16-migration"), legacy_city(), "system/S-1", default) == "advisory"


def test_new_capacity_in_a_recognised_data_centre_is_exempted_by_the_rule() -> None:
    new = b.tower(ownership=b.owned())
    inside = replace(
        new,
        sightings=tuple(
            msgspec.structs.replace(s, zone="专网", nics=(Nic(addresses=("192.168.9.7/24",)),)) for s in new.sightings
        ),
    )
    inventory = b.city(hosts=(inside,))

    finding = finding_on(
        check("14-standalone-compute"), inventory, "host/id-tower-1", own_policy(recognised=(CENTRE,))
    )  # fmt: skip

    assert (finding.verdict, finding.decided_by) == (Verdict.NOT_APPLICABLE, "exemption")


def test_findings_of_two_rules_differ_exactly_where_their_parameters_do() -> None:
    """Same city, same night: nothing but the migration of what is late and the place that is recognised."""
    hosts = (old_server(), b.tower(), b.host("edu-web-1"))
    city = b.city(projects=(b.legacy_project(),), hosts=hosts)

    def verdicts(policy: Policy) -> dict[str, str]:
        return {f.key: f.verdict.value for f in judge(city, policy)}

    default, own = verdicts(b.policy()), verdicts(own_policy())
    recognised = verdicts(own_policy(recognised=(CENTRE,)))

    assert {k: (default[k], own[k]) for k in default if default[k] != own[k]} == {
        "16-migration@system/S-1": ("advisory", "fail")
    }
    assert {k: (own[k], recognised[k]) for k in own if own[k] != recognised[k]} == {
        "16-migration@system/S-1": ("fail", "not_applicable")
    }
    assert default.keys() == own.keys() == recognised.keys()


def test_another_day_makes_other_things_new() -> None:
    """The rule of Wuhan is older: what was built between the two days is new there."""
    wuhan = b.policy(pack=load_pack("wuhan-2021"))
    between = b.city(projects=(b.project(awarded_on=date(2022, 5, 1)),))

    assert verdict_on(check("16-deployment"), between, "system/S-1") == "not_applicable"
    assert verdict_on(check("16-deployment"), between, "system/S-1", wuhan) == "pass"


def test_a_check_that_the_rule_has_no_clause_for_is_not_run() -> None:
    findings = judge(b.city(), b.policy(pack=load_pack("wuhan-2021")))

    assert findings
    assert not {f.check for f in findings} & set(load_pack("wuhan-2021").without)


# ── what a scan keeps of it ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_kept_scan_knows_the_digest_of_its_pack() -> None:
    kept = Policy.from_options(ScanOptions(city="x", pack=PackText(id="laohekou-2024", digest="0" * 64)))

    told = [english(m) for m in basis_warnings(kept, date(2026, 1, 1))]

    assert kept.digest == "0" * 64
    assert any("0000000000000000" in sentence for sentence in told)


def test_a_kept_scan_brings_its_own_pack() -> None:
    """The file may be gone, or changed since."""
    options = ScanOptions(city="x", pack=PackText(id=OWN.id, digest=OWN.digest, text=YUNZE.decode()))

    made = Policy.from_options(msgspec.json.decode(msgspec.json.encode(options), type=ScanOptions))

    assert isinstance(made.pack, Pack)
    assert made.digest == OWN.digest
    assert made.legacy_deadline == date(2026, 6, 30)


def test_nothing_is_due_by_a_clause_that_the_rule_does_not_have() -> None:
    project = b.project(final_acceptance_on=date(2025, 5, 1), in_operation_on=date(2025, 5, 1))
    city = b.city(projects=(project,))

    kinds = {d.kind.value for d in due(city, b.policy())}
    there = {d.kind.value for d in due(city, b.policy(pack=load_pack("wuhan-2021")))}

    assert kinds - there == {"evaluation"}

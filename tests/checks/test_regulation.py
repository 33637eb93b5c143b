"""The law as data."""

import hashlib
import re
from datetime import date

import msgspec
import pytest

from checks.regulation import (
    MAX_PACK_BYTES,
    Clause,
    PackError,
    Status,
    load_pack,
    pack_bytes,
    pack_schema,
    parse_pack,
    problems,
)
from inventory.text import tell

PACK = load_pack()


def test_all_thirty_articles_stand_in_order() -> None:
    numbers = [key for key in PACK.articles if "(" not in key]

    assert numbers == [str(n) for n in range(1, 31)]
    assert [key for key in PACK.articles if "(" in key] == [f"23({n})" for n in range(1, 10)]


def test_the_term() -> None:
    assert (PACK.number, PACK.effective_from, PACK.expires_on) == (
        "河政规〔2024〕1号",
        date(2024, 1, 15),
        date(2029, 1, 14),
    )


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("2", "由政府投资建设、政府与社会企业联合建设、政府向社会购买服务或需要政府资金运行维护的"),
        ("14", "各地各部门不再单独新建服务器存储能力、计算资源"),
        ("16", "鼓励非财政性资金项目合理使用基础设施资源"),
        ("23(7)", "部署在(迁移至)大数据中心政务云,实现了数据资源共享;"),
        ("30", "本办法自印发之日起施行,有效期5年"),
    ],
)
def test_the_text_is_verbatim(key: str, words: str) -> None:
    assert words in PACK.articles[key].text


def test_items_are_part_of_their_article() -> None:
    for number in range(1, 10):
        assert PACK.articles[f"23({number})"].text in PACK.articles["23"].text


def test_what_is_not_or_only_partly_checked_says_why() -> None:
    for key, article in PACK.articles.items():
        assert (article.why is None) == (article.status is Status.CHECKED), key


def test_clauses_are_cut_out_of_their_articles() -> None:
    for key, clause in PACK.clauses.items():
        PACK.basis(clause.basis)
        if clause.basis in PACK.articles:
            assert clause.text in PACK.articles[clause.basis].text, key


def test_the_amended_law_is_cited_without_an_article() -> None:
    """网络安全法 was renumbered from 2026-01-01."""
    assert not re.search(r"第.+条", PACK.cite("mlps-law"))


def test_the_digest_is_that_of_the_file() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", PACK.digest)


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError, match="laohekou-2024 has no article or norm '31'"):
        PACK.basis("31")


ALIASED = msgspec.structs.replace(PACK, aliases={"14": "16", "99": "31"})
"""A rule whose article on infrastructure has another number, and that lacks one that checks know."""


def test_articles_and_norms_are_found_by_the_keys_of_checks() -> None:
    assert (ALIASED.own("14"), ALIASED.own("15")) == ("16", "15")
    assert ALIASED.basis("14") is PACK.articles["16"]
    assert ALIASED.basis("mlps-43") is PACK.norms["mlps-43"]
    assert (PACK.cite("14"), ALIASED.cite("14")) == ("第十四条", "第十六条")
    with pytest.raises(KeyError):
        ALIASED.basis("99")


def test_citations_in_their_order_without_what_the_rule_does_not_have() -> None:
    assert ALIASED.cites(["99", "mlps-1846", "15", "14", "unheard"]) == (
        "公网安〔2025〕1846号",
        "第十五条",
        "第十六条",
    )


@pytest.mark.parametrize(
    ("key", "in_english", "in_chinese"),
    [
        ("14", "Art. 16", "第十六条"),
        ("23(7)", "Art. 23(7)", "第二十三条第(七)项"),
        ("mlps-1846", "公网安〔2025〕1846号", "公网安〔2025〕1846号"),
    ],
)
def test_a_sentence_names_an_article_in_the_reader_s_language(key: str, in_english: str, in_chinese: str) -> None:
    named = ALIASED.article(key)

    assert (tell(named, "en"), tell(named, "zh_CN")) == (in_english, in_chinese)


def test_a_clause_is_quoted_word_for_word() -> None:
    assert PACK.quote("16-b") == "不得重复建设"
    assert PACK.label == "laohekou-2024 1"


def changed(**fields: object) -> list[str]:
    return [tell(m, "en") for m in problems(msgspec.structs.replace(PACK, **fields))]


def test_what_contradicts_itself_is_named() -> None:
    parameters = msgspec.structs.replace(PACK.parameters, evaluation_from_months=25)
    clauses = {"a": Clause(basis="14", text="各地可以新建"), "b": Clause(basis="31", text="x"),
               "c": Clause(basis="mlps-43", text="any words of another law"), "d": PACK.clauses["14-a"]}  # fmt: skip
    unsaid = msgspec.structs.replace(PACK.articles["1"], why=None)
    needless = msgspec.structs.replace(PACK.articles["18"], why="because")

    assert changed() == []
    assert changed(expires_on=date(2024, 1, 14)) == ["effective_from 2024-01-15 is after expires_on 2024-01-14"]
    assert changed(expires_on=date(2024, 1, 15)) == []
    assert changed(parameters=parameters) == ["evaluation_from_months is more than evaluation_to_months"]
    assert changed(parameters=msgspec.structs.replace(parameters, evaluation_to_months=25)) == []
    assert changed(aliases={"2": "2", "14": "31"}) == ["alias 14 leads to article 31, which the pack does not have"]
    assert changed(clauses=clauses) == [
        "clause a is not word for word in article 14",
        "clause b stands on 31, which the pack does not have",
    ]
    assert changed(articles={**PACK.articles, "1": unsaid, "18": needless}) == [
        "article 1: expected `why` where it is not checked in full, and only there",
        "article 18: expected `why` where it is not checked in full, and only there",
    ]


def test_a_pack_may_be_as_large_as_the_limit_and_no_larger() -> None:
    text = pack_bytes("laohekou-2024")
    filled = text + b"#" * (MAX_PACK_BYTES - len(text))

    assert parse_pack(filled).digest == hashlib.sha256(filled).hexdigest()
    with pytest.raises(PackError) as refused:
        parse_pack(filled + b"#")
    assert tell(refused.value.message, "en") == "larger than 4194304 bytes; expected a policy pack"


def test_what_is_no_toml_says_what_was_expected() -> None:
    with pytest.raises(PackError) as refused:
        parse_pack(b"id = ")

    assert tell(refused.value.message, "en").endswith("; expected a policy pack (TOML)")
    assert refused.value.__cause__ is not None


def test_a_pack_that_contradicts_itself_is_refused_with_its_first_problem() -> None:
    text = pack_bytes("laohekou-2024").replace(b"expires_on = 2029-01-14", b"expires_on = 2020-01-14")

    with pytest.raises(PackError) as refused:
        parse_pack(text)

    assert tell(refused.value.message, "en") == "effective_from 2024-01-15 is after expires_on 2020-01-14"


def test_the_schema_is_titled_and_of_the_file() -> None:
    schema = pack_schema()

    assert (schema["title"], schema["$ref"]) == ("Yunhe policy pack", "#/$defs/PackFile")

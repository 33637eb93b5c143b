"""The law as data."""

import re
from datetime import date

import pytest

from checks.regulation import Status, load_pack

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
    with pytest.raises(KeyError, match="no article or norm '31'"):
        PACK.basis("31")

"""What a conclusion 结论 says, as panels and testing bodies write it: passed, not passed, or nothing that is plain."""

_REFUSALS = (
    *("不通过", "未通过", "没有通过", "不合格", "未合格", "不符合", "未达", "不达标", "不满足", "不予通过", "整改后"),
)
"""Parts of what is written where something has not passed."""
_APPROVALS = ("通过", "合格", "符合", "满足", "达到", "达标", "同意")
_GRADES = frozenset({"优", "优秀", "良", "良好"})
_DOUBTS = ("不", "未", "没", "待", "拟", "部分", "整改")
"""What leaves open whether an approval is meant: 部分通过, 待通过."""


def has_failed(conclusion: str | None) -> bool:
    """Whether a conclusion, as written, says that something did not pass."""
    return conclusion is not None and any(word in conclusion for word in _REFUSALS)


def is_open(conclusion: str | None) -> bool:
    """Whether one is written that says neither: a date of acceptance beside it proves none."""
    return conclusion is not None and not has_failed(conclusion) and not has_passed(conclusion)


def has_passed(conclusion: str | None) -> bool:
    """Whether it says so plainly: 检测中 is neither passed nor failed."""
    if conclusion is None or any(word in conclusion for word in _DOUBTS):
        return False
    return conclusion.strip() in _GRADES or any(word in conclusion for word in _APPROVALS)

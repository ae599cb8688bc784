"""A column of statuses, found by its name and cells: which rows count, and which are refunds."""

from __future__ import annotations

from collections.abc import Iterator

from cvm_analysis.draft.preview import Preview
from cvm_analysis.draft.synonyms import match
from cvm_analysis.draft.yaml_comments import line, text

HEADERS = ("status", "orderstatus", "paymentstatus", "financialstatus", "state", "orderstate")
CHINESE_HEADERS = ("订单状态", "交易状态", "支付状态", "状态")
DO_NOT_COUNT = {
    *("cancelled", "canceled", "failed", "voided", "void", "expired", "declined", "abandoned"),
    *("pending", "pending payment", "unpaid", "draft", "test", "quotation", "trash"),
    *("已取消", "交易关闭", "已关闭", "待付款", "未付款", "等待买家付款", "支付失败", "测试"),
}
REFUNDED = {"refunded", "returned", "已退款", "退款成功", "全额退款", "已退货"}
MOST = 40  # distinct words of a column of statuses


def write(file: Preview) -> Iterator[str]:
    """Write the settings `where` and `refunds` of order lines whose statuses tell."""
    for header in match(file.columns, (*HEADERS, *CHINESE_HEADERS)):
        words = file.columns[header].distinct
        left_out = [word for word in words if word.strip().lower() in DO_NOT_COUNT]
        refunded = [word for word in words if word.strip().lower() in REFUNDED]
        if len(words) > MOST or not (left_out or refunded):
            continue
        others = [word for word in words if word not in left_out and word not in refunded]
        if left_out:
            yield line(
                f"      where: {{{text(header)}: {{not: {_flow(left_out)}}}}}",
                check=f"these do not count; {_flow(others)} do",
            )
        if refunded:
            setting = f"      refunds: {{when: {{{text(header)}: {_flow(refunded)}}}}}"
            yield line(setting, check="these are purchases and returns")
        return


def _flow(words: list[str]) -> str:
    return f"[{', '.join(text(word) for word in words)}]"

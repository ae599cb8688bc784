"""Statuses in several languages: what does not count, and what was paid back."""

import pytest
import yaml

from cvm_analysis.draft.draft import draft

WORDS = {  # header: a status that counts, one that does not, one that is a refund
    "status": ("Completed", "Cancelled", "Refunded"),
    "Bestellstatus": ("Versendet", "Storniert", "Erstattet"),
    "Zahlungsstatus": ("Bezahlt", "Zahlung ausstehend", "Rückerstattet"),
    "État de la commande": ("Livrée", "Annulée", "Remboursée"),
    "Estado del pedido": ("Enviado", "Cancelado", "Reembolsado"),
    "订单状态": ("交易成功", "交易关闭", "已退款"),
}


@pytest.mark.parametrize("header", WORDS)
def test_what_does_not_count_and_what_was_paid_back_is_proposed(tmp_path, header):
    rows = "".join(
        f"{i},c{i % 9},2024-01-{1 + i % 28:02},{i}.50,{WORDS[header][i % 3]}\n" for i in range(60)
    )
    path = tmp_path / "orders.csv"
    path.write_text(f"order_id,customer_id,date,amount,{header}\n{rows}", "utf-8")
    text = draft([path])
    (source,) = yaml.safe_load(text)["sources"]["transactions"]
    counts, does_not, refunded = WORDS[header]
    assert source["where"] == {header: {"not": [does_not]}}
    assert source["refunds"] == {"when": {header: [refunded]}}
    assert f"these do not count; [{counts}] do" in text
    assert "not used" not in text

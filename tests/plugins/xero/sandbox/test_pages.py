from __future__ import annotations

import requests

from tests.plugins.xero.sandbox.client import KITS, SECOND, TIMEOUT, App, line


def page(app: App, path: str) -> str:
    answer = requests.get(f"{app.sandbox.address}{path}", timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return answer.text


def test_the_first_page_links_every_organisation(app: App) -> None:
    shown = page(app, "/")
    for organisation in (KITS, SECOND):
        assert organisation in shown
        assert f'href="/books/{app.sandbox.tenant_id(organisation)}"' in shown


def test_the_books_page_shows_the_trial_balance_and_each_journal(app: App) -> None:
    app.create(Narration="Posted one", Status="POSTED", JournalLines=[line("310", 1250.4), line("621", -1250.4)])
    app.create(Narration="Only a draft", Url="https://stock.example.com/j/7")
    shown = page(app, f"/books/{app.tenant_id}")
    for text in ("Cost of Goods Sold", "1,250.40", "Posted one", "POSTED", "Only a draft", "DRAFT"):
        assert text in shown
    assert 'href="https://stock.example.com/j/7"' in shown
    assert shown.index("Only a draft") < shown.index("Posted one")


def test_a_narration_is_text_and_nothing_more(app: App) -> None:
    app.create(Narration="<script>alert(1)</script>")
    assert "<script>" not in page(app, f"/books/{app.tenant_id}")


def test_books_that_do_not_exist_are_a_404(app: App) -> None:
    answer = requests.get(f"{app.sandbox.address}/books/nonsense", timeout=TIMEOUT)
    assert answer.status_code == 404


def test_the_books_as_data_add_up(app: App) -> None:
    app.create(Status="POSTED", JournalLines=[line("310", 70), line("320", 30.5), line("622", -100.5)])
    app.create(Status="POSTED", JournalLines=[line("622", 0.5), line("310", -0.5)])
    books = app.sandbox.books(KITS)
    assert books["trial_balance"] == {"debit": "100.00", "credit": "100.00"}
    assert [account["balance"] for account in books["accounts"] if account["is_used"]] == ["69.50", "30.50", "-100.00"]
    first = books["journals"][0]
    assert (first["status"], first["date"], first["total_debit"], first["total_credit"]) == (
        "POSTED",
        "2026-10-31",
        "100.50",
        "100.50",
    )
    assert [(each["account_code"], each["debit"], each["credit"]) for each in first["lines"]] == [
        ("310", "70.00", ""),
        ("320", "30.50", ""),
        ("622", "", "100.50"),
    ]

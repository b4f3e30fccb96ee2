"""Every change at a door leaves a line in the audit log: who, through which door, from where."""

from __future__ import annotations

from collections.abc import Callable

from partsemble_core.services.listing import ListQuery, list_audit_log
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect

Visit = Callable[[Shop, str], Visitor]


def log_of(shop: Shop, kind: str) -> list[dict[str, object]]:
    with shop.house.reading(shop.company_id) as session:
        return list(list_audit_log(session, ListQuery(filters={"kind": kind})).rows)


def test_what_is_done_in_the_console_is_told_with_person_and_address(shop: Shop, visit: Visit) -> None:
    connect(shop)
    owner = visit(shop, "owner")
    owner.post("/settings/options", {"qa_review": "yes", "draw_order": "fifo"})
    (row,) = log_of(shop, "settings")
    assert (row["by"], row["door"], row["address"]) == ("owner@lumen.example", "console", "127.0.0.1")
    page = text_of(owner.get("/settings/audit-log?kind=settings"))
    assert "qa review: no → yes" in page
    assert "owner@lumen.example" in page
    csv = owner.get("/settings/audit-log.csv?kind=settings").text
    assert "qa review: no → yes" in csv


def test_only_who_may_reads_it(full_shop: Shop, visit: Visit) -> None:
    for role, status in (("owner", 200), ("admin", 200), ("accountant", 200), ("builder", 403), ("viewer", 403)):
        assert visit(full_shop, role).get("/settings/audit-log").status_code == status, role
        assert visit(full_shop, role).get("/settings/audit-log.csv").status_code == status, role

"""Sales that are read stay as they were last, whatever comes twice, late, or after a crash."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.errors import NotFound
from partsemble_core.plugin_api import RetryLater, SalesKind, SalesStatus
from partsemble_core.services import syncing
from partsemble_core.services.keeping_sales import NOT_KEPT
from partsemble_core.services.listing import ListQuery, list_sales_documents
from partsemble_core.services.viewing_sales import view_sale
from partsemble_core.store.lots import StockEntry
from partsemble_core.store.syncs import SyncRun
from tests.faults.killing import PATHS
from tests.faults.stage import an_engine
from tests.servers.waiting import wait_until
from tests.services.makers import a_shop
from tests.services.sales_shelf import NOON, SalesBackend, Sold, a_line, a_sale
from tests.services.shelf import a_shelf


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def sold(engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sold:
    """Nothing sold yet; pages of two."""
    monkeypatch.setattr(syncing, "PAGE", 2)
    backend = SalesBackend()
    return Sold(a_shelf(engine, tmp_path, backend=backend), backend)


def figures(run: SyncRun) -> tuple[str, int, int, int, int]:
    return run.state, run.records, run.added, run.changed, run.gone


def test_sales_are_read_page_by_page_and_then_only_what_changes(sold: Sold) -> None:
    sold.tell(*(a_sale(str(n)) for n in range(5)))
    assert figures(sold.shelf.sync("sales")) == ("done", 5, 5, 0, 0)
    assert sold.cursors() == ["5"]
    assert figures(sold.shelf.sync("sales")) == ("done", 0, 0, 0, 0)
    sold.tell(a_sale("2", minute=1, status=SalesStatus.PAID), a_sale("9", minute=1))
    assert figures(sold.shelf.sync("sales")) == ("done", 2, 1, 1, 0)
    assert sold.backend.asked == [None, "2", "4", "5", "5"]
    assert sold.states() == [("0", "open"), ("1", "open"), ("2", "paid"), ("3", "open"), ("4", "open"), ("9", "open")]


def test_a_document_is_kept_as_it_was_told(sold: Sold) -> None:
    lines = [
        a_line("1234.56", quantity="2.5", code=" pump ", item_id="i1", line_id="x"),
        a_line("-4.00", code=None, line_id="y", description="Rebate"),
    ]
    sold.tell(a_sale("1", lines=lines, currency="JPY", rate=Decimal("151.12345678"), number="INV\x007"))
    sold.shelf.sync("sales")
    (sale,) = sold.rows()
    assert (sale.number, sale.currency, sale.rate, sale.net) == ("INV7", "JPY", "151.12345678", Decimal("1230.56"))
    assert (sale.contact_id, sale.contact_name, sale.updated_at) == ("c1", "Ridgeway", NOON)
    assert sold.lines() == [("x", " pump ", Decimal("2.5"), Decimal("1234.56")), ("y", "", Decimal(1), Decimal("-4"))]


def test_voids_and_deletions_stay_as_a_status(sold: Sold) -> None:
    sold.tell(a_sale("1"), a_sale("2", status=SalesStatus.DRAFT))
    sold.shelf.sync("sales")
    sold.tell(a_sale("1", minute=1, status=SalesStatus.VOIDED), a_sale("2", minute=1, status=SalesStatus.DELETED))
    assert figures(sold.shelf.sync("sales")) == ("done", 2, 0, 2, 0)
    assert sold.states() == [("1", "voided"), ("2", "deleted")]
    assert len(sold.lines()) == 2


def test_any_order_and_any_number_of_times_comes_to_the_same(sold: Sold) -> None:
    versions = [
        a_sale("1", minute=1),
        a_sale("1", minute=2, lines=[a_line("20", line_id="other")]),
        a_sale("1", minute=3, status=SalesStatus.VOIDED, lines=[a_line("20", line_id="other")]),
    ]
    for number, order in enumerate(itertools.permutations(versions)):
        told = [dataclasses.replace(each, external_id=f"{number}") for each in (*order, order[0])]
        sold.tell(*told)
    sold.shelf.sync("sales")
    assert {(sale.status, sale.net, sale.updated_at) for sale in sold.rows()} == {
        ("voided", Decimal(20), NOON + dt.timedelta(minutes=3))
    }
    assert sold.lines() == [("other", "PUMP", Decimal(1), Decimal(20))] * 6


def test_lines_that_change_replace_the_old_ones(sold: Sold) -> None:
    sold.tell(a_sale("1", lines=[a_line("1"), a_line("2", line_id="l2")]))
    sold.shelf.sync("sales")
    sold.tell(a_sale("1", minute=1, lines=[a_line("2", line_id="l2")]))
    assert figures(sold.shelf.sync("sales"))[3] == 1
    assert sold.lines() == [("l2", "PUMP", Decimal(1), Decimal(2))]
    assert sold.rows()[0].net == Decimal(2)


def test_without_a_time_of_change_the_last_told_counts(sold: Sold) -> None:
    sold.tell(a_sale("1"), a_sale("1", minute=None, status=SalesStatus.PAID))
    assert figures(sold.shelf.sync("sales")) == ("done", 1, 1, 0, 0)
    assert sold.states() == [("1", "paid")]


@pytest.mark.parametrize("net", ["1000000000000", "0.0000001", "1E-400000", "NaN", "-1E+30"])
def test_amounts_that_can_not_be_kept_stop_nothing_and_are_told(sold: Sold, net: str) -> None:
    sold.tell(a_sale("1", lines=[a_line("5"), a_line(net)]), a_sale("2", lines=[a_line("999999999999.999999")]))
    assert sold.shelf.sync("sales").state == "done"
    first, second = sold.rows()
    assert (first.problem, first.net, second.problem, second.net) == (
        NOT_KEPT,
        Decimal(0),
        "",
        Decimal("999999999999.999999"),
    )
    assert len(sold.lines()) == 1
    sold.tell(a_sale("1", minute=1))
    sold.shelf.sync("sales")
    assert (sold.rows()[0].problem, len(sold.lines())) == ("", 2)


def test_what_stops_it_half_way_is_gone_on_from(sold: Sold) -> None:
    sold.tell(*(a_sale(str(n)) for n in range(5)))

    def stop(cursor: str | None) -> None:
        if cursor == "2":
            raise RetryLater("Slow down.", after=1)

    sold.backend.before_page = stop
    run = sold.shelf.sync("sales")
    assert (run.state, run.records, run.message, sold.cursors()) == ("failed", 2, "Slow down.", ["2"])
    sold.backend.before_page = lambda cursor: None
    assert figures(sold.shelf.sync("sales")) == ("done", 3, 3, 0, 0)
    assert sold.backend.asked == [None, "2", "2", "4"]


def test_a_page_and_its_cursor_are_kept_together_or_not_at_all(sold: Sold, monkeypatch: pytest.MonkeyPatch) -> None:
    sold.tell(*(a_sale(str(n)) for n in range(3)))
    after = syncing.keep_sales_page

    def break_down(*arguments: object) -> None:
        after(*arguments)  # type: ignore[arg-type]
        raise ZeroDivisionError

    monkeypatch.setattr(syncing, "keep_sales_page", break_down)
    with pytest.raises(ZeroDivisionError):
        sold.shelf.sync("sales")
    assert (sold.rows(), sold.cursors()) == ([], [])
    monkeypatch.setattr(syncing, "keep_sales_page", after)
    assert figures(sold.shelf.sync("sales")) == ("done", 3, 3, 0, 0)


KILLED = """
import sys, time
from pathlib import Path
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services import syncing
from partsemble_core.services.house import House
from partsemble_core.store.database import open_engine
from partsemble_core.store.syncs import SyncCause
from partsemble_core.vault import Vault
from partsemble_core.wiring import utc_now
from tests.faults.stage import KEY, settings_for
from tests.services.sales_shelf import SalesBackend, a_sale
engine, folder = open_engine(sys.argv[1]), Path(sys.argv[2])
syncing.PAGE = 2
backend, host = SalesBackend(), PluginHost()
backend.versions = [a_sale(str(n)) for n in range(5)]
host.add(backend, "qbo_stub")
house = House(settings=settings_for(engine, folder), engine=engine, host=host, vault=Vault(Secret(KEY)),
              clock=utc_now, ring=lambda company_id, export_id: None)
keep = syncing.keep_sales_page
def keep_slowly(session, connection_id, page, now):
    kept = keep(session, connection_id, page, now)
    session.flush()
    if page.next_cursor == "4":
        (folder / "second").touch()
        time.sleep(300)
    return kept
syncing.keep_sales_page = keep_slowly
syncing.run_sync(house, int(sys.argv[3]), int(sys.argv[4]), "sales", cause=SyncCause.COMMAND, by="ann")
"""


def test_killed_between_a_page_and_its_commit_it_goes_on_from_the_page_before(sold: Sold, tmp_path: Path) -> None:
    sold.tell(*(a_sale(str(n)) for n in range(5)))
    url = sold.shelf.shop.engine.url.render_as_string(hide_password=False)
    arguments = [url, str(tmp_path), str(sold.shelf.company_id), str(sold.shelf.connection_id)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], env=environment)
    try:
        wait_until((tmp_path / "second").exists, "its second page is written and not committed", seconds=60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until(lambda: sold.cursors() == ["2"], "the first page alone is kept")
    assert len(sold.rows()) == 2
    sold.shelf.pass_lease()
    assert figures(sold.shelf.sync("sales")) == ("done", 3, 3, 0, 0)
    assert sold.backend.asked == ["2", "4"]
    assert len(sold.lines()) == 5


def test_reading_sales_moves_no_stock(sold: Sold) -> None:
    sold.shelf.shop.products("PUMP")
    sold.tell(a_sale("1"))
    sold.shelf.sync("sales")
    assert sold.shelf.shop.rows(sa.select(StockEntry)) == []


def test_the_list_searches_sorts_filters_and_turns_credits(sold: Sold) -> None:
    sold.tell(
        a_sale("1", date=dt.date(2026, 10, 1)),
        a_sale("2", kind=SalesKind.CREDIT, number="CN-2", contact_name="Marine", date=dt.date(2026, 10, 9)),
        a_sale("3", status=SalesStatus.PAID, lines=[a_line("99")]),
        a_sale("4", number="", date=dt.date(2025, 1, 1), contact_name="Nobody"),
    )
    sold.shelf.sync("sales")

    def numbers(**query: object) -> list[object]:
        with sold.shelf.shop.reading() as session:
            return [row["number"] for row in list_sales_documents(session, ListQuery(**query)).rows]  # type: ignore[arg-type]

    assert numbers() == ["CN-2", "INV-3", "INV-1", "no number"]
    assert numbers(sort="net") == ["CN-2", "INV-1", "no number", "INV-3"]
    assert numbers(search="marine") == ["CN-2"]
    assert numbers(filters={"kind": "invoice", "state": "open"}) == ["INV-1", "no number"]
    assert numbers(filters={"from": "2026-10-05", "to": "2026-10-05"}) == ["INV-3"]
    assert numbers(page_size=3, page=2) == ["no number"]
    with sold.shelf.shop.reading() as session:
        rows = list_sales_documents(session, ListQuery(search="CN-2")).rows
    assert [(row["net"], row["currency"], row["state"]) for row in rows] == [(Decimal("-12.5"), "USD", "open")]


def test_a_document_is_viewed_with_its_products_and_its_sign(sold: Sold, engine: sa.Engine) -> None:
    sold.shelf.shop.products("Pump")
    lines = [a_line("10", quantity="2"), a_line("1", code=None), a_line("2", code="NOPE")]
    sold.tell(a_sale("1", kind=SalesKind.CREDIT, lines=lines))
    sold.shelf.sync("sales")
    sale_id = sold.rows()[0].id
    with sold.shelf.shop.reading() as session:
        view = view_sale(session, sale_id)
        shown = [(each.product.sku if each.product else None, each.quantity, each.net) for each in view.lines]
    assert shown == [
        ("Pump", Decimal(-2), Decimal(-10)),
        (None, Decimal(-1), Decimal(-1)),
        (None, Decimal(-1), Decimal(-2)),
    ]
    assert (view.net, view.organisation) == (Decimal(-13), "Sandbox Kits (US)")
    with a_shop(engine).reading() as session, pytest.raises(NotFound):
        view_sale(session, sale_id)

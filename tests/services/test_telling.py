"""What happens is told in the transaction in which it happens: exact figures, once, to those who asked."""

from __future__ import annotations

import json
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import Invalid
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services import adjusting, reversing, reviewing
from partsemble_core.services.opting import set_options
from partsemble_core.services.subscribing import add_endpoint, change_endpoint, remove_endpoint, send_test
from partsemble_core.store.events import EventDelivery, EventKind
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt
from partsemble_core.store.session import CompanySession
from tests.faults.stage import a_stage
from tests.services.hearing import CONSOLE, Listened, listened
from tests.services.makers import contents, in_threads

HERE = "http://127.0.0.1:1/hooks"


@pytest.fixture
def heard(engine: sa.Engine, tmp_path: Path) -> Listened:
    """PANEL with a reorder point of 10, and KIT made of 4 of them."""
    heard = listened(engine, tmp_path)
    heard.shop.products("PANEL", "KIT")
    heard.shop.stock("PANEL", "30", "2.5")
    heard.shop.bom("KIT", {"PANEL": "4"})
    reorder = sa.update(Product).where(Product.sku == "PANEL").values(reorder_point=Decimal(10))
    heard.shop.write(lambda session: session.execute(reorder))
    return heard


def test_a_completed_build_is_told_with_its_exact_figures(heard: Listened) -> None:
    heard.listen(HERE, ["build.completed"])
    build = heard.shop.build("KIT", "2")
    delivery = heard.deliveries()[0]
    told = json.loads(delivery.body)
    assert told == {
        "id": delivery.event_id,
        "kind": "build.completed",
        "created": "2026-05-04T09:30:00.000Z",
        "company": {"id": heard.shop.company_id, "name": "Acme Assembly"},
        "link": f"{CONSOLE}/builds/{build.id}",
        "data": {
            "build_id": build.id,
            "reference": "PSB-000001",
            "sku": "KIT",
            "name": "The KIT",
            "unit": "each",
            "quantity": "2",
            "components_cost": "20",
            "added_cost": "0",
            "built_on": "2026-05-04",
            "by": "ann@example.com",
        },
    }
    assert (delivery.state, delivery.attempts, delivery.kind) == ("waiting", 0, "build.completed")


def test_a_build_under_review_is_told_when_it_is_approved(heard: Listened) -> None:
    heard.shop.write(lambda session: set_options(session, {"qa_review": True}))
    heard.listen(HERE, ["build.completed"])
    good, bad = heard.shop.build("KIT", "1"), heard.shop.build("KIT", "1")
    assert heard.told() == []
    heard.shop.write(lambda session: reviewing.approve(session, heard.shop.act, good.id))
    heard.shop.write(lambda session: reviewing.reject(session, heard.shop.act, bad.id, reason="other", recovery="full"))
    assert [(kind, data["reference"], data["components_cost"]) for kind, data in heard.told()] == [
        ("build.completed", "PSB-000001", "10")
    ]


def test_low_stock_is_told_once_on_the_way_down(heard: Listened) -> None:
    heard.listen(HERE, ["stock.low"])
    heard.shop.build("KIT", "4")  # 30 → 14
    assert heard.told() == []
    heard.shop.build("KIT", "1")  # 14 → 10, which is the point itself
    heard.shop.build("KIT", "1")  # 10 → 6: it was low already
    assert [(k, d["sku"], d["stock"], d["stock_before"], d["reorder_point"]) for k, d in heard.told()] == [
        ("stock.low", "PANEL", "10", "14", "10")
    ]
    heard.shop.stock("PANEL", "5")  # 6 → 11, up is not told
    lot = next(lot for lot in heard.shop.lots("PANEL") if lot.quantity_left > 4)
    heard.shop.write(
        lambda session: adjusting.adjust_lot(session, heard.shop.act, lot.id, quantity="-2", reason="loss")
    )
    assert [(d["stock"], d["stock_before"]) for _, d in heard.told()] == [("10", "14"), ("9", "11")]


def test_taking_a_receipt_back_can_make_stock_low(heard: Listened) -> None:
    heard.listen(HERE, ["stock.low"])
    first = heard.shop.rows(sa.select(Receipt.id))[0]
    heard.shop.write(lambda session: reversing.reverse(session, heard.shop.act, "receipt", first, reason="wrong"))
    assert [(d["stock"], d["stock_before"]) for _, d in heard.told()] == [("0", "30")]


def test_of_a_product_that_is_inactive_or_has_no_point_nothing_is_told(heard: Listened) -> None:
    heard.listen(HERE)
    heard.shop.write(lambda session: session.execute(sa.update(Product).values(reorder_point=Decimal(0))))
    heard.shop.build("KIT", "7")
    off = sa.update(Product).where(Product.sku == "PANEL").values(reorder_point=Decimal(10), is_active=False)
    heard.shop.write(lambda session: session.execute(off))
    assert [kind for kind, _ in heard.told()] == ["build.completed"]


def test_what_is_refused_is_not_told(heard: Listened) -> None:
    heard.listen(HERE)
    before = contents(heard.shop)
    with pytest.raises(Exception, match="PANEL"):
        heard.shop.build("KIT", "100")
    assert contents(heard.shop) == before


def test_each_address_gets_what_it_asked_for_under_one_event_id(heard: Listened) -> None:
    heard.listen(HERE + "/all")
    heard.listen(HERE + "/builds", ["build.completed"])
    heard.listen(HERE + "/stock", ["stock.low"])
    off, _ = heard.listen(HERE + "/off")
    heard.shop.write(lambda session: change_endpoint(heard.house, session, off, is_active=False))
    heard.shop.build("KIT", "1")
    found = heard.deliveries()
    assert [delivery.kind for delivery in found] == ["build.completed"] * 2
    assert len({delivery.event_id for delivery in found}) == 1
    assert len({delivery.body for delivery in found}) == 1
    assert found[0].endpoint_id != found[1].endpoint_id


def test_a_company_hears_nothing_of_another(heard: Listened, engine: sa.Engine, tmp_path: Path) -> None:
    other = listened(engine, tmp_path)
    other.listen(HERE)
    heard.shop.build("KIT", "1")
    assert other.deliveries() == []


def test_a_test_goes_to_its_address_alone_whatever_it_asked_for(heard: Listened) -> None:
    one, _ = heard.listen(HERE, ["stock.low"])
    heard.listen(HERE + "/other")
    heard.shop.write(lambda session: send_test(session, heard.shop.act, one))
    assert [(d.endpoint_id, d.kind) for d in heard.deliveries()] == [(one, EventKind.TEST)]


def test_an_export_is_told_when_it_is_posted_and_when_it_needs_somebody(engine: sa.Engine, tmp_path: Path) -> None:
    stage = a_stage(engine, tmp_path)
    stage.shop.write(
        lambda session: add_endpoint(
            stage.house,
            session,
            stage.shop.act,
            url="https://hooks.example/x",
            kinds=["export.posted", "export.failed"],
        )
    )
    posted, refused = stage.queue(cost="12.50"), stage.queue(cost="7.25")
    assert stage.post(posted) == ExportState.POSTED
    stage.books.tell(Lie.REFUSE)
    assert stage.post(refused) == ExportState.REVIEW
    told = [json.loads(d.body) for d in stage.shop.rows(sa.select(EventDelivery).order_by(EventDelivery.id))]
    assert [t["kind"] for t in told] == ["export.posted", "export.failed"], "nothing of the steps on the way"
    assert told[1]["data"]["amount"] == "7.25"
    assert told[1]["data"]["problem"] == stage.export(refused).problem != ""
    assert told[0]["data"]["amount"] == "12.5"
    assert told[0]["data"]["external_id"] == stage.export(posted).external_id
    assert told[0]["link"] == f"{stage.house.settings.base_url}/exports/{posted}"


def test_removing_an_address_takes_its_log_along(heard: Listened) -> None:
    one, _ = heard.listen(HERE)
    heard.shop.build("KIT", "1")
    heard.shop.write(lambda session: remove_endpoint(session, one))
    assert heard.deliveries() == []


def test_an_address_that_is_removed_at_that_moment_stops_no_build(heard: Listened) -> None:
    one, _ = heard.listen(HERE)
    removed = threading.Event()

    def remove_slowly(session: CompanySession) -> None:
        remove_endpoint(session, one)
        removed.set()
        time.sleep(0.5)

    def build() -> None:
        removed.wait(10)
        heard.shop.build("KIT", "1")

    in_threads((heard.shop.write, remove_slowly), (build,))
    assert heard.deliveries() == []
    assert heard.shop.balance("KIT").quantity == 1


@pytest.mark.parametrize("kinds", [[], ["test"], ["build.started"], [3]])
def test_only_events_that_there_are_can_be_asked_for(heard: Listened, kinds: list[object]) -> None:
    with pytest.raises(Invalid) as caught:
        heard.listen(HERE, kinds)  # type: ignore[arg-type]
    assert caught.value.field == "kinds"

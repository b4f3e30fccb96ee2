"""Nobody overwrites what they never saw, and of two who saw the same one is refused."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Invalid, NotFound, PartsembleError
from partsemble_core.services import noticing
from partsemble_core.services.cataloguing import ComponentInput, update_product
from partsemble_core.services.noticing import ChangedMeanwhile, check_unchanged, last_number, subject_of
from partsemble_core.services.opting import set_options
from partsemble_core.services.planning import edit_planned, plan_build, refresh_to_active_bom
from partsemble_core.services.receiving import edit_receipt
from partsemble_core.store import database
from partsemble_core.store.audits import Actor, Door
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import Company
from partsemble_core.store.products import Product
from partsemble_core.store.receipts import Receipt
from partsemble_core.store.session import CompanySession
from tests.services.makers import Shop, a_line, in_threads

BEA = Actor(by="bea@example.com", door=Door.CONSOLE)


def seen(shop: Shop, subject: noticing.Subject) -> str:
    with shop.reading() as session:
        return last_number(session, subject)


def rename(shop: Shop, product_id: int, name: str, *, saw: object, clock: dt.datetime | None = None) -> None:
    def work(session: CompanySession) -> None:
        check_unchanged(session, subject_of(Product, product_id), seen=saw)
        update_product(session, shop.act, product_id, name=name)

    at = clock or dt.datetime.now(dt.UTC)
    database.write(shop.engine, shop.company_id, work, actor=BEA, clock=lambda: at)


def test_what_was_changed_after_it_was_seen_is_refused_with_who_when_and_what(shop: Shop) -> None:
    bolt = shop.product("bolt")
    subject = subject_of(Product, bolt.id)
    with shop.engine.begin() as connection:
        connection.execute(sa.update(Company).where(Company.id == shop.company_id).values(timezone="Europe/Berlin"))
    saw = seen(shop, subject)
    assert int(saw) > 0, "the log knows that it was added"
    rename(shop, bolt.id, "Long bolt", saw=saw, clock=dt.datetime(2026, 5, 4, 22, 5, tzinfo=dt.UTC))
    with pytest.raises(ChangedMeanwhile) as refusal:
        rename(shop, bolt.id, "Short bolt", saw=saw)
    assert "bolt was changed by bea@example.com on 2026-05-05 at 00:05" in str(refusal.value)
    assert refusal.value.code == "changed-meanwhile"
    assert [change.what for change in refusal.value.changes] == ["name: The bolt → Long bolt"]
    rename(shop, bolt.id, "Short bolt", saw=refusal.value.seen)
    assert shop.find("bolt").name == "Short bolt"


def test_of_two_who_save_at_once_one_is_refused(shop: Shop) -> None:
    bolt = shop.product("bolt")
    for turn in range(5):
        saw = seen(shop, subject_of(Product, bolt.id))
        together = threading.Barrier(4)
        outcomes: list[str] = []

        def save(name: str, saw: str = saw, together: Any = together, outcomes: list[str] = outcomes) -> None:
            together.wait(timeout=30)
            try:
                rename(shop, bolt.id, name, saw=saw)
            except ChangedMeanwhile as refusal:
                outcomes.append(type(refusal).__name__)
            else:
                outcomes.append(name)

        in_threads(*((save, f"{turn}-{each}") for each in range(4)))
        won = [name for name in outcomes if name != "ChangedMeanwhile"]
        assert len(outcomes) == 4
        assert len(won) == 1
        assert shop.find("bolt").name == won[0]


def test_the_first_settings_of_a_company_are_saved_by_one_of_two(shop: Shop) -> None:
    saw = seen(shop, noticing.settings())
    assert saw == "0"
    together = threading.Barrier(2)
    outcomes: list[str] = []

    def save(name: str) -> None:
        def work(session: CompanySession) -> None:
            check_unchanged(session, noticing.settings(), seen=saw)
            set_options(session, {name: True})

        together.wait(timeout=30)
        try:
            shop.write(work)
        except ChangedMeanwhile as refusal:
            outcomes.append(str(refusal)[:26])
        else:
            outcomes.append("saved")

    in_threads((save, "qa_review"), (save, "reserve_stock"))
    assert sorted(outcomes) == ["The settings were changed ", "saved"]


def test_lines_of_a_planned_build_count_as_a_change_of_it(shop: Shop) -> None:
    shop.products("bolt", "nut", "kit")
    shop.bom("kit", {"bolt": "2"})
    kit = shop.find("kit").id
    build = shop.write(lambda session: plan_build(session, shop.act, product_id=kit, quantity="1"))
    subject = subject_of(Build, build.id)
    seen_before = seen(shop, subject)

    def edit(*components: ComponentInput) -> None:
        shop.write(lambda session: edit_planned(session, shop.act, build.id, components=list(components)))

    edit(ComponentInput(sku="nut", quantity="1"))
    modified = seen(shop, subject)
    edit(ComponentInput(sku="nut", quantity="7"))
    again = seen(shop, subject)
    assert int(seen_before) < int(modified) < int(again), "it was modified already, and changed once more"
    shop.write(lambda session: refresh_to_active_bom(session, shop.act, build.id))
    assert int(again) < int(seen(shop, subject))


def test_lines_of_a_draft_count_as_a_change_of_it(shop: Shop) -> None:
    shop.products("bolt", "nut")
    receipt = shop.draft(a_line("bolt", "2", total_cost="4"))
    subject = subject_of(Receipt, receipt.id)
    saw = seen(shop, subject)
    lines = [a_line("nut", "1", total_cost="4")]
    shop.write(lambda session: edit_receipt(session, receipt.id, lines=lines, act=shop.act))
    with pytest.raises(ChangedMeanwhile, match="after you opened it"):
        shop.write(lambda session: check_unchanged(session, subject, seen=saw))


@pytest.mark.parametrize(("row_id", "saw", "wanted"), [(0, "1", NotFound), (0, "x", Invalid), (0, "9" * 19, Invalid)])
def test_what_cannot_be_compared_is_refused_in_words(
    shop: Shop, row_id: int, saw: str, wanted: type[PartsembleError]
) -> None:
    with pytest.raises(wanted):
        shop.write(lambda session: check_unchanged(session, subject_of(Product, row_id), seen=saw))


def test_another_companys_changes_are_nobodys(shop: Shop) -> None:
    bolt = shop.product("bolt")
    subject = subject_of(Product, bolt.id)
    with database.reading(shop.engine, shop.company_id + 100_000) as session:
        assert last_number(session, subject) == "0"

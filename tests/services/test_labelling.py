"""Tracking: read with the accounts, chosen once, and frozen with every posting from then on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Invalid, NotFound
from partsemble_core.plugin_api import (
    BackendContext,
    JournalEntry,
    TrackingCategory,
    TrackingOption,
    entry_from_bytes,
    hookimpl,
)
from partsemble_core.services import mapping
from partsemble_core.services.cautioning import cautions_of
from partsemble_core.services.labelling import Category, categories_of, choose_tracking, read_tracking
from partsemble_core.services.posting import post_export
from partsemble_core.services.rehearsing import dry_run
from partsemble_core.services.reversing import reverse
from partsemble_core.store.exports import Export
from tests.faults.stage import an_engine
from tests.services.shelf import Shelf, ShelfBackend, a_shelf
from tests.web.shop import ROLES


def region(*, north: bool = True, active: bool = True) -> TrackingCategory:
    options = (
        TrackingOption(external_id="n", name="North", active=north),
        TrackingOption(external_id="s", name="South"),
    )
    return TrackingCategory(external_id="r", name="Region", options=options, active=active)


DEPARTMENT = TrackingCategory(
    external_id="d", name="Department", options=(TrackingOption(external_id="w", name="Workshop"),)
)


class LabelledShelf(ShelfBackend):
    """Books with tracking categories."""

    def __init__(self) -> None:
        super().__init__()
        self.categories: Sequence[TrackingCategory] = (region(), DEPARTMENT)

    @hookimpl
    def list_tracking(self, ctx: BackendContext) -> Sequence[TrackingCategory]:
        return tuple(self.categories)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def shelf(engine: sa.Engine, tmp_path: Path) -> Shelf:
    """Connected, with all accounts chosen."""
    made = a_shelf(engine, tmp_path, LabelledShelf())
    for role, code in ROLES.items():
        made.shop.write(
            lambda session, r=role, c=code: mapping.map_account(  # type: ignore[misc]
                session, connection_id=made.connection_id, role=r, code=c
            )
        )
    return made


def put(shelf: Shelf, category_id: str, option_id: str) -> None:
    shelf.shop.write(
        lambda session: choose_tracking(
            session, connection_id=shelf.connection_id, category_id=category_id, option_id=option_id
        )
    )


def offered(shelf: Shelf) -> list[Category]:
    with shelf.shop.reading() as session:
        return categories_of(session, shelf.connection_id)


def shown(shelf: Shelf) -> dict[str, tuple[list[str], str | None]]:
    return {
        each.name: ([option.name for option in each.options], each.chosen.name if each.chosen else None)
        for each in offered(shelf)
    }


def tell_books(shelf: Shelf, *categories: TrackingCategory) -> None:
    """What their books hold now, read with the accounts."""
    assert isinstance(shelf.backend, LabelledShelf)
    shelf.backend.categories = categories
    assert shelf.sync("accounts").state == "done"


def last_entry(shelf: Shelf) -> JournalEntry:
    return entry_from_bytes(shelf.shop.rows(sa.select(Export).order_by(Export.id.desc()).limit(1))[0].body)


def carried(shelf: Shelf) -> set[tuple[tuple[str, str], ...]]:
    """What each line of the last posting carries: category and option."""
    return {tuple((each.category, each.option) for each in line.tracking) for line in last_entry(shelf).lines}


def test_they_are_read_when_the_books_are_connected(shelf: Shelf) -> None:
    assert shown(shelf) == {"Department": (["Workshop"], None), "Region": (["North", "South"], None)}


def test_books_without_them_have_none(engine: sa.Engine, tmp_path: Path) -> None:
    plain = a_shelf(engine, tmp_path)
    assert read_tracking(plain.house, plain.connection()) == 0
    assert offered(plain) == []


def test_every_line_from_then_on_carries_what_was_chosen(shelf: Shelf) -> None:
    shelf.shop.products("BOLT")
    shelf.shop.stock("BOLT", "10")
    assert carried(shelf) == {()}
    put(shelf, "r", "n")
    put(shelf, "d", "w")
    receipt = shelf.shop.stock("BOLT", "10")
    assert carried(shelf) == {(("Department", "Workshop"), ("Region", "North"))}
    put(shelf, "r", "s")
    put(shelf, "d", "")
    shelf.shop.stock("BOLT", "10")
    assert carried(shelf) == {(("Region", "South"),)}
    first, second, third = shelf.shop.rows(sa.select(Export).order_by(Export.id))
    with shelf.shop.reading() as session:
        lines = [dry_run(session, each.id).lines for each in (first, second, third)]
    assert [{line.tracking for line in each} for each in lines] == [
        {""},
        {"Department Workshop, Region North"},
        {"Region South"},
    ]
    assert receipt.id


def test_a_reversal_carries_what_its_original_did(shelf: Shelf) -> None:
    put(shelf, "r", "n")
    shelf.shop.products("BOLT")
    receipt = shelf.shop.stock("BOLT", "10")
    (export_id,) = shelf.shop.rows(sa.select(Export.id))
    assert post_export(shelf.house, shelf.company_id, export_id) == "posted"
    put(shelf, "r", "s")
    shelf.shop.write(lambda session: reverse(session, shelf.shop.act, "receipt", receipt.id, reason="Wrong supplier"))
    assert carried(shelf) == {(("Region", "North"),)}


def test_what_can_not_be_carried_can_not_be_chosen(shelf: Shelf) -> None:
    tell_books(shelf, region(north=False))
    assert shown(shelf) == {"Region": (["South"], None)}
    for category_id, option_id, says in (
        ("r", "n", "archived in your books"),
        ("d", "w", "archived in your books"),
        ("r", "nothing", "no such tracking option"),
        ("r", "w", "no such tracking option"),
        ("r", "\x00", "no such tracking option"),
    ):
        with pytest.raises(Invalid, match=says) as refused:
            put(shelf, category_id, option_id)
        assert refused.value.field == "option"
    for unknown in ("x", "", "\x00"):
        with pytest.raises(NotFound):
            put(shelf, unknown, "n")
    assert {each.name: each.chosen for each in offered(shelf)} == {"Region": None}


@pytest.mark.parametrize("now", [[region(north=False)], [region(active=False)], []], ids=["archived", "all", "gone"])
def test_an_option_that_was_archived_later_is_told_of_before_a_journal_fails(
    shelf: Shelf, now: list[TrackingCategory]
) -> None:
    put(shelf, "r", "n")

    def cautions() -> list[str]:
        with shelf.shop.reading() as session:
            return [each.code for each in cautions_of(session, shelf.connection()) if "tracking" in each.code]

    assert cautions() == []
    tell_books(shelf, *now)
    assert cautions() == ["tracking-refused"]
    (category,) = [each for each in offered(shelf) if each.name == "Region"]
    assert category.chosen is not None
    assert not category.chosen.is_usable
    tell_books(shelf, region())
    assert cautions() == []


def test_a_name_that_was_changed_is_the_same_option(shelf: Shelf) -> None:
    put(shelf, "d", "w")
    renamed = TrackingCategory(external_id="d", name="Dept", options=(TrackingOption(external_id="w", name="Shop"),))
    tell_books(shelf, renamed)
    shelf.shop.products("BOLT")
    shelf.shop.stock("BOLT", "10")
    assert carried(shelf) == {(("Dept", "Shop"),)}

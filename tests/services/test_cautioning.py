"""What would go wrong in the books is told before it does, by name."""

from __future__ import annotations

import sqlalchemy as sa

from partsemble_core.domain.journals import AccountRole
from partsemble_core.services.cataloguing import CostInput
from partsemble_core.services.cautioning import Caution, cautions_of
from partsemble_core.store.connections import AccountMapping, Connection, RemoteAccount
from partsemble_core.store.syncs import RemoteItem
from tests.services.makers import NOW, Shop, connect


def cautions(shop: Shop) -> list[Caution]:
    with shop.reading() as session:
        return cautions_of(session, session.scalars(sa.select(Connection)).one())


def codes(shop: Shop) -> list[str]:
    return [each.code for each in cautions(shop)]


def an_item(shop: Shop, connection: Connection, code: str, *, tracked_in: str = "630\n310", **changes: object) -> None:
    values = {"is_tracked": True, "is_gone": False, **changes}
    item = RemoteItem(
        connection_id=connection.id,
        external_id=f"item-{code}",
        code=code,
        code_key=code.casefold(),
        name=code,
        tracked_in=tracked_in,
        synced_at=NOW,
        **values,
    )
    shop.write(lambda session: session.add(item))


def update(shop: Shop, statement: sa.Update) -> None:
    shop.write(lambda session: session.execute(statement))


def test_good_accounts_give_no_cause(shop: Shop) -> None:
    connect(shop)
    assert cautions(shop) == []


def test_a_product_whose_stock_the_books_keep_too_is_named(shop: Shop) -> None:
    connection = connect(shop)
    shop.products("Motor-12V", "BOLT")
    an_item(shop, connection, "MOTOR-12V")
    an_item(shop, connection, "NOT-OURS")
    an_item(shop, connection, "BOLT", is_tracked=False)
    (found,) = cautions(shop)
    assert found.code == "counted-twice"
    assert "item MOTOR-12V too" in found.text
    assert "counted twice" in found.text
    update(shop, sa.update(RemoteItem).values(is_gone=True))
    assert cautions(shop) == []


def test_of_many_items_the_first_are_named(shop: Shop) -> None:
    connection = connect(shop)
    for number in range(8):
        shop.product(f"P-{number}")
        an_item(shop, connection, f"P-{number}")
    (found,) = cautions(shop)
    assert "P-0, P-1, P-2, P-3, P-4 and 3 more items" in found.text


def test_books_that_own_the_quantities_may_track_them(shop: Shop) -> None:
    connection = connect(shop)
    shop.products("MOTOR")
    an_item(shop, connection, "MOTOR", tracked_in="601")
    assert codes(shop) == ["counted-twice", "account-shared"]
    update(shop, sa.update(Connection).values(inventory_mode="quantity_sync"))
    assert cautions(shop) == []


def test_an_account_that_tracked_items_use_would_mix(shop: Shop) -> None:
    """Whether or not the item is a product here; 601 is the first role's account."""
    connection = connect(shop)
    an_item(shop, connection, "OTHER", tracked_in="630\n601")
    (found,) = cautions(shop)
    assert found.code == "account-shared"
    assert found.text.startswith("Receiving debit (stock of components): 601 Account 601 is also where your books post")
    assert "item OTHER" in found.text
    update(shop, sa.update(RemoteItem).values(tracked_in="6011\n60"))
    assert cautions(shop) == [], "codes are compared whole"


def test_one_account_on_both_sides_posts_nothing(shop: Shop) -> None:
    connect(shop, one_account=True)
    found = cautions(shop)
    assert {each.code for each in found} == {"one-account-on-both-sides"}
    assert len(found) == 5
    assert found[0].text.startswith("Receiving debit (stock of components) and Receiving credit")
    assert "of receipts nothing is posted" in found[0].text


def test_components_and_finished_goods_on_one_account_are_fine(shop: Shop) -> None:
    """The how-to advises it to those who look at these accounts one by one."""
    connect(shop)
    with shop.reading() as session:
        mapped = {row.role: row.remote_account_id for row in session.scalars(sa.select(AccountMapping))}
    stock = mapped["receiving_debit"]
    for role in ("build_debit", "build_credit"):
        update(shop, sa.update(AccountMapping).where(AccountMapping.role == role).values(remote_account_id=stock))
    assert cautions(shop) == []


def test_labour_that_no_account_is_left_for_is_told_of(shop: Shop) -> None:
    """With one account for components and what is built, labour is all that a build posts."""
    connect(shop, roles=[role for role in AccountRole if role != AccountRole.APPLIED_COSTS])
    shop.products("BOLT", "RACK")
    with shop.reading() as session:
        mapped = {row.role: row.remote_account_id for row in session.scalars(sa.select(AccountMapping))}
    for_components = sa.update(AccountMapping).where(AccountMapping.role == "build_credit")
    update(shop, for_components.values(remote_account_id=mapped["build_debit"]))
    shop.bom("RACK", {"BOLT": "2"})
    assert cautions(shop) == [], "nothing but components"
    shop.bom("RACK", {"BOLT": "2"}, CostInput(kind="labour", label="Work", amount="5"))
    (found,) = cautions(shop)
    assert found.code == "labour-not-posted"
    assert "there is none for Applied labour and overhead" in found.text
    update(shop, for_components.values(remote_account_id=mapped["build_credit"]))
    assert cautions(shop) == []


def test_an_account_that_the_books_refuse_by_now_is_named_with_the_reason(shop: Shop) -> None:
    connect(shop)
    update(
        shop,
        sa.update(RemoteAccount).where(RemoteAccount.code == "605").values(is_usable=False, why_not="It is archived."),
    )
    update(shop, sa.update(RemoteAccount).where(RemoteAccount.code == "601").values(is_gone=True))
    found = {each.text for each in cautions(shop)}
    assert codes(shop) == ["account-refused"] * 2
    assert "Waste: 605 Account 605 can't be used any more. It is archived." in found
    assert any("gone from the books" in text for text in found)

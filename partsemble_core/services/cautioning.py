"""Cautioning: what would go wrong in the books, or say something else than is meant, told before it does.

With journals alone the books get Partsemble's figures. Where they keep the stock of an item themselves, or an
account is used for both, its balance holds two things at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.boms import BomState
from partsemble_core.domain.journals import AccountRole
from partsemble_core.errors import Wording, say, word
from partsemble_core.services.exporting import ROLE_LABELS
from partsemble_core.store.boms import BomCostLine, BomVersion
from partsemble_core.store.connections import Connection, RemoteAccount, mapped_accounts
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import RemoteItem
from partsemble_core.store.tracking import chosen_options

NAMED = 5
"""Items that are named; of more only the number is told."""
EMPTY_PAIRS = (
    (AccountRole.RECEIVING_DEBIT, AccountRole.RECEIVING_CREDIT, "receipts"),
    (AccountRole.WASTE, AccountRole.BUILD_CREDIT, "losses of rejected builds"),
    (AccountRole.WASTE, AccountRole.RECEIVING_DEBIT, "adjustments and counts"),
    (AccountRole.APPLIED_COSTS, AccountRole.BUILD_DEBIT, "labour and overhead"),
    (AccountRole.COGS, AccountRole.FINISHED_GOODS, "cost of goods sold"),
)
"""Debit and credit of one posting: with one account on both sides nothing is posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """``code`` is stable; the text says what happens and what to do."""

    code: str
    text: str


def cautions_of(session: CompanySession, connection: Connection) -> list[Caution]:
    """Everything that somebody should look at before the next export, most serious first."""
    accounts = mapped_accounts(session, connection.id)
    found = [*_refused_accounts(accounts), *_refused_tracking(session, connection), *_empty_pairs(accounts)]
    found += _lost_labour(session, accounts)
    if connection.inventory_mode == "journal_only":
        found += [*_counted_twice(session, connection), *_shared_accounts(session, connection, accounts)]
    return found


def _refused_accounts(accounts: Mapping[AccountRole, RemoteAccount]) -> list[Caution]:
    return [
        Caution(
            code="account-refused",
            text=say(
                "{role}: {code} {name} can't be used any more. {why}",
                role=word(ROLE_LABELS[role]),
                code=account.code,
                name=account.name,
                why=word(account.why_not or "It is gone from the books; choose another account."),
            ),
        )
        for role, account in accounts.items()
        if account.is_gone or not account.is_usable
    ]


def _refused_tracking(session: CompanySession, connection: Connection) -> list[Caution]:
    return [
        Caution(
            code="tracking-refused",
            text=say(
                "The tracking option {category} {name} is archived or gone in your books, which will refuse "
                "every journal that carries it. Choose another one below.",
                category=option.category,
                name=option.name,
            ),
        )
        for option in chosen_options(session, connection.id)
        if not option.is_usable
    ]


def _empty_pairs(accounts: Mapping[AccountRole, RemoteAccount]) -> list[Caution]:
    return [
        Caution(
            code="one-account-on-both-sides",
            text=say(
                "{debit} and {credit} are one account, {code}: of {what} nothing is posted. Choose another "
                "account for one of them.",
                debit=word(ROLE_LABELS[debit]),
                credit=word(ROLE_LABELS[credit]),
                code=accounts[debit].code,
                what=word(what),
            ),
        )
        for debit, credit, what in EMPTY_PAIRS
        if debit in accounts and credit in accounts and accounts[debit].id == accounts[credit].id
    ]


def _lost_labour(session: CompanySession, accounts: Mapping[AccountRole, RemoteAccount]) -> list[Caution]:
    """Of one account for what goes into a build and what comes out, only labour and overhead are left to post."""
    debit, credit = accounts.get(AccountRole.BUILD_DEBIT), accounts.get(AccountRole.BUILD_CREDIT)
    if AccountRole.APPLIED_COSTS in accounts or debit is None or credit is None or debit.id != credit.id:
        return []
    of_bom = sa.and_(BomVersion.id == BomCostLine.bom_id, BomVersion.company_id == BomCostLine.company_id)
    asked = sa.select(BomCostLine.id).join(BomVersion, of_bom).where(BomVersion.state == BomState.ACTIVE).limit(1)
    if session.scalar(asked) is None:
        return []
    text = say(
        "{debit} and {credit} are one account, {code}, and there is none for {applied}: what your BOMs add for "
        "labour and overhead raises the value of stock, but not the account. Choose one before you build.",
        debit=word(ROLE_LABELS[AccountRole.BUILD_DEBIT]),
        credit=word(ROLE_LABELS[AccountRole.BUILD_CREDIT]),
        code=debit.code,
        applied=word(ROLE_LABELS[AccountRole.APPLIED_COSTS]),
    )
    return [Caution(code="labour-not-posted", text=text)]


def _counted_twice(session: CompanySession, connection: Connection) -> list[Caution]:
    codes = session.scalars(
        sa.select(RemoteItem.code)
        .join(Product, sa.and_(Product.company_id == RemoteItem.company_id, Product.sku_key == RemoteItem.code_key))
        .where(*_tracked(connection))
        .order_by(RemoteItem.code)
    ).all()
    if not codes:
        return []
    text = say(
        "Your books keep stock of {items} too, and so does Partsemble: their cost of goods would be "
        "counted twice. Turn tracking off there, or take the product out of Partsemble.",
        items=_listed(codes),
    )
    return [Caution(code="counted-twice", text=text)]


def _shared_accounts(
    session: CompanySession, connection: Connection, accounts: Mapping[AccountRole, RemoteAccount]
) -> list[Caution]:
    """Any tracked item will do, whether or not it is a product here: the books post its movements to the account."""
    rows = session.execute(
        sa.select(RemoteItem.code, RemoteItem.tracked_in).where(*_tracked(connection)).order_by(RemoteItem.code)
    ).all()
    by_account: dict[str, list[str]] = {}
    for code, tracked_in in rows:
        for account_code in tracked_in.split():
            by_account.setdefault(account_code, []).append(code)
    return [
        Caution(
            code="account-shared",
            text=say(
                "{role}: {code} {name} is also where your books post {items}, whose stock they keep "
                "themselves. Its balance will mix both; choose an account that only Partsemble uses.",
                role=word(ROLE_LABELS[role]),
                code=account.code,
                name=account.name,
                items=_listed(codes),
            ),
        )
        for role, account in accounts.items()
        if (codes := by_account.get(account.code))
    ]


def _tracked(connection: Connection) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        RemoteItem.connection_id == connection.id,
        RemoteItem.is_tracked.is_(True),
        RemoteItem.is_gone.is_(False),
    )


def _listed(codes: Sequence[str]) -> Wording:
    if len(codes) > NAMED:
        return say("{codes} and {count} more items", codes=", ".join(codes[:NAMED]), count=len(codes) - NAMED)
    if len(codes) == 1:
        return say("item {code}", code=codes[0])
    return say("items {codes}", codes=", ".join(codes))

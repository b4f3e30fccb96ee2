"""Versioning: drafts of a BOM, the way from one version to the next, and where a product is used."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import format_quantity
from partsemble_core.domain.boms import Bom, BomState, ComponentLine, CostLine, levels_above
from partsemble_core.domain.versions import BomChanges, compare
from partsemble_core.errors import NotFound, WrongState, say, say_each, word
from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import (
    ComponentInput,
    CostInput,
    archive_active,
    check_bom_nesting,
    insert_version,
    read_bom,
)
from partsemble_core.store import boms
from partsemble_core.store.boms import BomVersion
from partsemble_core.store.companies import hold_bom_nesting
from partsemble_core.store.products import Product, get_product, products_by_id
from partsemble_core.store.session import CompanySession, LockRank


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStory:
    """A version, its content, and what it changed against the one before it; ``words`` say so line by line."""

    version: BomVersion
    bom: Bom
    changes: BomChanges | None
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhereUsed:
    """A product that another goes into: directly at ``levels`` 1, with its quantity, else through others."""

    product: Product
    levels: int
    version: int
    quantity: Decimal | None
    """For the version's output quantity; None where it goes in through others alone."""


def save_draft(
    session: CompanySession,
    act: Act,
    *,
    product_id: int,
    components: Sequence[ComponentInput],
    cost_lines: Sequence[CostInput] = (),
    output_quantity: object = "1",
    version_id: int | None = None,
) -> BomVersion:
    """Saves the product's next version as a draft, or the draft ``version_id`` anew; nothing is built by it yet.

    Raises Invalid naming the line, BomCycle, BomTooDeep, NotFound, WrongState for a version that isn't a draft.
    """
    _hold(session)
    get_product(session, product_id)
    bom = read_bom(
        session,
        product_id=product_id,
        components=components,
        cost_lines=cost_lines,
        output_quantity=output_quantity,
    )
    check_bom_nesting(session, bom)
    if version_id is None:
        return insert_version(session, act, bom, state=BomState.DRAFT)
    draft = _draft(session, product_id, version_id)
    draft.output_quantity = bom.output_quantity
    boms.drop_lines(session, draft.id)
    boms.insert_lines(session, draft.id, bom)
    return draft


def activate_draft(session: CompanySession, act: Act, *, product_id: int, version_id: int) -> BomVersion:
    """Makes a draft the active version and archives the one that was. Planned builds stay as they were planned.

    Raises WrongState for a version that isn't a draft, BomCycle or BomTooDeep as BOMs are by now, NotFound.
    """
    _hold(session)
    draft = _draft(session, product_id, version_id)
    check_bom_nesting(session, boms.load(session, [draft])[draft.id])
    archive_active(session, product_id)
    draft.state = BomState.ACTIVE
    session.flush()
    return draft


def drop_draft(session: CompanySession, act: Act, *, product_id: int, version_id: int) -> None:
    """Throws away the product's newest version, if it is a draft; an older one stays, so that versions have no gap.

    Raises WrongState, NotFound.
    """
    _hold(session)
    draft = _draft(session, product_id, version_id)
    newest = boms.versions_of(session, product_id)[0]
    if newest.id != draft.id:
        raise WrongState(
            say(
                "Version {version} isn't the newest, so its number can't be given up. Edit it instead.",
                version=draft.version,
            )
        )
    boms.drop_lines(session, draft.id)
    session.delete(draft)
    session.flush()


def bom_history(session: CompanySession, product_id: int) -> list[VersionStory]:
    """Every version, newest first, with what it changed against the one before: five statements however many."""
    get_product(session, product_id)
    versions = boms.versions_of(session, product_id)
    loaded = boms.load(session, versions)
    ids = {line.product_id for bom in loaded.values() for line in bom.components}
    products = products_by_id(session, ids)
    stories = []
    for version, older in itertools.zip_longest(versions, versions[1:]):
        changes = None if older is None else compare(loaded[older.id], loaded[version.id])
        words = () if changes is None else describe_changes(changes, {i: p.sku for i, p in products.items()})
        stories.append(VersionStory(version=version, bom=loaded[version.id], changes=changes, words=words))
    return stories


def describe_changes(changes: BomChanges, names: dict[int, str]) -> tuple[str, ...]:
    """One sentence a change, such as ``BOLT: quantity 4 → 5``. Not a word where nothing changed."""
    words: list[str] = []
    if changes.output_quantity is not None:
        before, after = (format_quantity(quantity) for quantity in changes.output_quantity)
        words.append(say("Makes {after} instead of {before}", after=after, before=before))
    for line in changes.components:
        words.append(
            _told(
                names.get(line.product_id, say("product {id}", id=line.product_id)),
                line.before,
                line.after,
            )
        )
    words += [_told(cost.label, cost.before, cost.after) for cost in changes.costs]
    return tuple(words)


def where_used(session: CompanySession, product_id: int) -> list[WhereUsed]:
    """What a product goes into by active BOMs, directly and over all levels, nearest first, then by SKU.

    Three statements however deep. Raises NotFound.
    """
    return first_uses(session, product_id)[0]


def first_uses(session: CompanySession, product_id: int, *, most: int | None = None) -> tuple[list[WhereUsed], int]:
    """The first ``most`` of these, and how many there are in all."""
    get_product(session, product_id)
    rows = boms.lines_above(session, product_id)
    users: dict[int, list[int]] = {}
    for row in rows:
        users.setdefault(row.product_id, []).append(row.made)
    direct = {row.made: row.quantity for row in rows if row.product_id == product_id}
    made = {row.made: row for row in rows}
    levels = levels_above(product_id, users)
    shown = sorted(levels, key=lambda each: (levels[each], made[each].sku_key))[:most]
    products = products_by_id(session, shown)
    found = [
        WhereUsed(product=products[i], levels=levels[i], version=made[i].version, quantity=direct.get(i)) for i in shown
    ]
    return found, len(levels)


def _hold(session: CompanySession) -> None:
    session.locking(LockRank.DOCUMENT)
    hold_bom_nesting(session)


def _draft(session: CompanySession, product_id: int, version_id: int) -> BomVersion:
    found = session.scalar(
        sa.select(BomVersion)
        .where(BomVersion.id == version_id, BomVersion.product_id == product_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("BOM version", version_id)
    if found.state != BomState.DRAFT:
        raise WrongState(
            say(
                "Version {version} is {state}; only a draft can be changed or activated. Save a new version.",
                version=found.version,
                state=word(found.state),
            )
        )
    return found


def _told(name: str, before: ComponentLine | CostLine | None, after: ComponentLine | CostLine | None) -> str:
    if before is None:
        return say("{name}: added, {amounts}", name=name, amounts=_amounts(after))
    if after is None:
        return say("{name}: removed, was {amounts}", name=name, amounts=_amounts(before))
    old, new = _facts(before), _facts(after)
    told = [
        say("{fact} {before} → {after}", fact=word(fact), before=old[fact], after=new[fact])
        for fact in new
        if old.get(fact) != new[fact] and fact in old
    ]
    told += [say("{fact} {value}", fact=word(fact), value=new[fact]) for fact in new if fact not in old]
    return say("{name}: {changes}", name=name, changes=say_each(told) if told else word("changed"))


def _amounts(line: ComponentLine | CostLine | None) -> str:
    if line is None:
        return ""
    return say_each(say("{fact} {value}", fact=word(fact), value=value) for fact, value in _facts(line).items())


def _facts(line: ComponentLine | CostLine) -> dict[str, str]:
    """What a line says, by the words that people read."""
    if isinstance(line, CostLine):
        amounts = {"amount": line.amount, "rate": line.rate, "quantity": line.quantity}
        told = {name: format_quantity(value) for name, value in amounts.items() if value is not None}
        return {"kind": word(line.kind.value), **told}
    return {
        "quantity": format_quantity(line.quantity),
        "scrap": f"{format_quantity(line.scrap_percent)} %",
        "optional": word("yes" if line.optional else "no"),
        "places": ", ".join(line.designators) or word("none"),
    }

"""Resealing: moving every sealed secret from an old key to the first one, and finding those that no key opens.

What is sealed is told by the schema: every column whose name ends in ``_sealed``. A batch is a transaction, so it may
be interrupted at any time and begun again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.errors import Refused, say
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.doctoring import Finding
from partsemble_core.services.house import House
from partsemble_core.store.database import reading_anywhere, write_anywhere
from partsemble_core.store.everything import metadata
from partsemble_core.vault import VERSION, Place, SealBroken, key_name_of

BATCH = 100
KEYS_OF_ROWS = ("row_key", "state_sha256", "second_factor_key")
"""What binds a seal to its row: known before the row is inserted, as its id isn't."""


class KeyNeeded(Refused):
    """A key can't be taken away: it is the one that seals, or something is still sealed with it."""

    code = "key-needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """``broken`` counts what no key opens: it stays as it was, and the doctor names it."""

    done: int
    broken: int


def sealed_columns() -> Iterator[tuple[sa.Table, sa.Column[str]]]:
    """Every place where something sealed is kept."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("_sealed"):
                yield table, column


def reseal_all(house: House) -> Resealed:
    """Seals with the first key whatever is sealed with another. Safe to interrupt, and to run while others work."""
    done = broken = 0
    for table, column in sealed_columns():
        last: int | None = 0
        while last is not None:
            last, moved, failed = write_anywhere(
                house.engine,
                lambda session, t=table, c=column, after=last: _reseal_batch(house, session, t, c, after),  # type: ignore[misc]
            )
            done, broken = done + moved, broken + failed
            crashpoint("resealing.after_batch")
    return Resealed(done=done, broken=broken)


def key_uses(house: House) -> Counter[str]:
    """How many secrets are sealed with each key, by its name."""
    with reading_anywhere(house.engine) as session:
        return Counter(
            key_name_of(sealed)
            for _, column in sealed_columns()
            for sealed in session.scalars(sa.select(column).where(column != ""))
        )


def check_removable(house: House, name: str) -> None:
    """Raises KeyNeeded unless nothing needs the key any more."""
    if name not in house.vault.names:
        raise KeyNeeded(
            say(
                "There is no key {name!r} among PARTSEMBLE_KEYS: {names}.",
                name=name[:40],
                names=", ".join(house.vault.names),
            )
        )
    if name == house.vault.names[0]:
        raise KeyNeeded(
            say(
                "{name} is the key that seals. Put another before it, run `partsemble keys rotate`, then try.",
                name=name,
            )
        )
    needed = key_uses(house)[name]
    if needed:
        raise KeyNeeded(
            say(
                "{name} is needed to open {count} of the secrets. Run `partsemble keys rotate` first.",
                name=name,
                count=needed,
            )
        )


def examine_seals(house: House, company_id: int) -> list[Finding]:
    """Tries to open everything sealed, of the company and of the whole installation. Reads only."""
    found = []
    for table, column in sealed_columns():
        with reading_anywhere(house.engine) as session:
            wanted = _select(table, column)
            if "company_id" in table.columns:
                wanted = wanted.where(table.c.company_id == company_id)
            rows = session.execute(wanted).mappings().all()
        bad = tuple(row["id"] for row in rows if not _opens(house, table, column, row))
        if bad:
            message = say(
                "{name} can't be opened: its key isn't in PARTSEMBLE_KEYS, or it was changed or moved.",
                name=column.name,
            )
            found.append(Finding(law="seal", table=table.name, ids=bad, message=message))
    return found


def _reseal_batch(
    house: House, session: Session, table: sa.Table, column: sa.Column[str], after: int
) -> tuple[int | None, int, int]:
    """(last id, how many were moved, how many no key opens) of one batch; the id is None after the last."""
    ours = f"{VERSION}.{house.vault.names[0]}."
    batch = _select(table, column).where(table.c.id > after, ~column.startswith(ours, autoescape=True))
    rows = session.execute(batch.order_by(table.c.id).limit(BATCH).with_for_update()).mappings().all()
    moved = 0
    for row in rows:
        where = _place(table, column, row)
        try:
            sealed = house.vault.seal(house.vault.unseal(row[column.name], where), where)
        except SealBroken:
            continue
        session.execute(sa.update(table).where(table.c.id == row["id"]).values({column.name: sealed}))
        moved += 1
    return (rows[-1]["id"] if len(rows) == BATCH else None), moved, len(rows) - moved


def _select(table: sa.Table, column: sa.Column[str]) -> sa.Select[tuple[int, str]]:
    names = [name for name in ("company_id", *KEYS_OF_ROWS) if name in table.columns]
    return sa.select(table.c.id, column, *(table.c[name] for name in names)).where(column != "")


def _opens(house: House, table: sa.Table, column: sa.Column[str], row: sa.RowMapping) -> bool:
    try:
        house.vault.unseal(row[column.name], _place(table, column, row))
    except SealBroken:
        return False
    return True


def _place(table: sa.Table, column: sa.Column[str], row: sa.RowMapping) -> Place:
    key = next(row[name] for name in KEYS_OF_ROWS if name in table.columns)
    company_id = row["company_id"] if "company_id" in table.columns else 0
    return Place(table=table.name, column=column.name, row_key=key, company_id=company_id)

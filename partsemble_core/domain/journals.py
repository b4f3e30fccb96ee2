"""Journals: what leaves the house. Balanced, in whole minor units, or it can't be made."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import add, from_minor, spread, to_millionths, to_minor
from partsemble_core.errors import PartsembleError, say


class AccountRole(enum.StrEnum):
    """What an account of the books is used for. The first four make a connection ready."""

    RECEIVING_DEBIT = "receiving_debit"
    RECEIVING_CREDIT = "receiving_credit"
    BUILD_DEBIT = "build_debit"
    BUILD_CREDIT = "build_credit"
    WASTE = "waste"
    APPLIED_COSTS = "applied_costs"
    COGS = "cogs"
    FINISHED_GOODS = "finished_goods"
    ROUNDING = "rounding"


REQUIRED_ROLES = (
    AccountRole.RECEIVING_DEBIT,
    AccountRole.RECEIVING_CREDIT,
    AccountRole.BUILD_DEBIT,
    AccountRole.BUILD_CREDIT,
)


STOCK_ROLES = (AccountRole.RECEIVING_DEBIT, AccountRole.BUILD_DEBIT, AccountRole.BUILD_CREDIT)
"""The roles whose accounts hold the value of stock."""


class Unbalanced(PartsembleError):
    """Debits and credits differ: nothing of it may leave."""

    code = "journal-unbalanced"

    def __init__(self, debit: Decimal, credit: Decimal) -> None:
        super().__init__(
            say(
                "Debits {debit} and credits {credit} differ. Nothing was posted; report this as a fault.",
                debit=debit,
                credit=credit,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An exact amount for one account, before rounding."""

    account: str
    amount: Decimal
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``minor`` whole minor units, above zero for debit."""

    account: str
    minor: int
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A balanced journal. ``exact`` is the document's value in stock, ``rounding`` = posted − exact (law 5)."""

    reference: str
    date: dt.date
    narration: str
    decimals: int
    lines: tuple[Line, ...]
    exact: Decimal
    posted: Decimal

    def __post_init__(self) -> None:
        debit = sum(line.minor for line in self.lines if line.minor > 0)
        credit = -sum(line.minor for line in self.lines if line.minor < 0)
        if debit != credit:
            raise Unbalanced(from_minor(debit, decimals=self.decimals), from_minor(credit, decimals=self.decimals))
        if any(line.minor == 0 for line in self.lines):
            raise ValueError("a journal line of zero")

    @property
    def rounding(self) -> Decimal:
        return add([self.posted, -self.exact])

    @property
    def is_empty(self) -> bool:
        """Nothing to post: no value, or one account on both sides."""
        return not self.lines


def make_journal(
    *,
    reference: str,
    date: dt.date,
    narration: str,
    decimals: int,
    debit: Part,
    credits: Sequence[Part],
) -> Journal:
    """A journal of one debit against its credits, exact amounts in, whole minor units out.

    The debit is rounded once, half-even; the credits share it by largest remainder, so rounding can't unbalance it.
    Lines of one account are merged, and lines of zero fall away. Raises Unbalanced if the exact amounts differ.
    """
    if add([part.amount for part in credits]) != debit.amount:
        raise Unbalanced(debit.amount, add([part.amount for part in credits]))
    total = to_minor(debit.amount, decimals=decimals)
    shares = spread(total, [to_millionths(part.amount) for part in credits])
    lines = [Line(account=debit.account, minor=total, description=debit.description)]
    lines += [
        Line(account=part.account, minor=-minor, description=part.description)
        for part, minor in zip(credits, shares, strict=True)
    ]
    return Journal(
        reference=reference,
        date=date,
        narration=narration,
        decimals=decimals,
        lines=merge(lines),
        exact=debit.amount,
        posted=from_minor(total, decimals=decimals),
    )


def merge(lines: Sequence[Line]) -> tuple[Line, ...]:
    """One line an account, in order of first use; descriptions joined; what comes to zero falls away."""
    sums: dict[str, int] = {}
    words: dict[str, list[str]] = {}
    for line in lines:
        sums[line.account] = sums.get(line.account, 0) + line.minor
        said = words.setdefault(line.account, [])
        if line.description and line.description not in said:
            said.append(line.description)
    return tuple(
        Line(account=account, minor=minor, description="; ".join(words[account]))
        for account, minor in sums.items()
        if minor
    )

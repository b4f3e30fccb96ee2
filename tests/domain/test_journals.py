"""Journals: balanced and in whole minor units, or they can't be made."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.amounts import add, from_minor, to_millionths, to_minor
from partsemble_core.domain.journals import Journal, Line, Part, Unbalanced, merge
from tests.domain.makers import a_journal, a_part
from tests.domain.strategies import LAW, costs

ACCOUNTS = st.sampled_from(["630", "631", "632"])
DECIMALS = st.sampled_from([0, 2, 3])
CREDITS = st.lists(
    st.builds(lambda account, amount: a_part(amount, account=account), ACCOUNTS, costs(most=10**12)),
    min_size=1,
    max_size=6,
)
LINES = st.lists(
    st.builds(
        lambda account, minor, says: Line(account=account, minor=minor, description=says),
        ACCOUNTS,
        st.integers(-1000, 1000),
        st.sampled_from(["", "Bolt × 40", "Labour"]),
    ),
    max_size=12,
)


def debit_of(credits: list[Part], *, account: str = "630") -> Part:
    return a_part(add([part.amount for part in credits]), account=account)


def test_a_build_debits_its_lot_and_credits_components_and_labour() -> None:
    journal = a_journal(
        debit=a_part("150.00", account="630", says="Bracket × 10"),
        credits=[
            a_part("5.00", account="631", says="Bolt × 40"),
            a_part("145.00", account="480", says="Labour"),
        ],
    )
    assert [(line.account, line.minor, line.description) for line in journal.lines] == [
        ("630", 15000, "Bracket × 10"),
        ("631", -500, "Bolt × 40"),
        ("480", -14500, "Labour"),
    ]
    assert (str(journal.exact), str(journal.posted), str(journal.rounding)) == ("150.00", "150.00", "0")
    assert not journal.is_empty


def test_components_and_cost_lines_of_one_account_become_one_line() -> None:
    credits = [
        a_part("5.00", account="631", says="Bolt × 40"),
        a_part("2.00", account="631", says="Packaging"),
    ]
    journal = a_journal(debit=a_part("7.00"), credits=credits)
    assert [(line.account, line.minor) for line in journal.lines] == [("630", 700), ("631", -700)]
    assert journal.lines[1].description == "Bolt × 40; Packaging"


def test_rounding_is_said_and_does_not_unbalance() -> None:
    thirds = [a_part("3.333333", account=account) for account in ("631", "632", "633")]
    journal = a_journal(debit=a_part("9.999999"), credits=thirds)
    assert [line.minor for line in journal.lines] == [1000, -334, -333, -333]
    assert journal.rounding == Decimal("0.000001")


def test_a_currency_without_decimals_is_posted_in_whole_units() -> None:
    journal = a_journal(debit=a_part("1234.5"), credits=[a_part("1234.5", account="631")], decimals=0)
    assert [line.minor for line in journal.lines] == [1234, -1234]
    assert (str(journal.posted), journal.rounding) == ("1234", Decimal("-0.5"))


def test_one_account_on_both_sides_leaves_nothing_to_post() -> None:
    journal = a_journal(debit=a_part("10.00", account="630"), credits=[a_part("10.00", account="630")])
    assert journal.is_empty
    assert journal.lines == ()
    assert journal.rounding == 0


def test_one_account_on_both_sides_posts_only_the_rest() -> None:
    credits = [a_part("4.00", account="630"), a_part("6.00", account="480")]
    journal = a_journal(debit=a_part("10.00", account="630"), credits=credits)
    assert [(line.account, line.minor) for line in journal.lines] == [("630", 600), ("480", -600)]


def test_less_than_half_a_cent_is_nothing_to_post_but_stays_in_the_reckoning() -> None:
    journal = a_journal(debit=a_part("0.004"), credits=[a_part("0.004", account="631")])
    assert journal.is_empty
    assert (str(journal.exact), str(journal.posted), str(journal.rounding)) == ("0.004", "0.00", "-0.004")


def test_a_journal_that_does_not_balance_by_a_millionth_is_refused() -> None:
    with pytest.raises(Unbalanced, match=r"Debits 10\.00 and credits 9\.999999 differ"):
        a_journal(debit=a_part("10.00"), credits=[a_part("9.999999", account="631")])


def lines_of(*minors: int) -> tuple[Line, ...]:
    return tuple(Line(account=str(i), minor=minor, description="") for i, minor in enumerate(minors))


def bare_journal(*minors: int) -> Journal:
    return Journal(
        reference="PSB-000123",
        date=dt.date(2026, 4, 1),
        narration="",
        decimals=2,
        lines=lines_of(*minors),
        exact=Decimal(1),
        posted=Decimal(1),
    )


def test_lines_that_do_not_balance_cannot_be_made_into_a_journal_by_hand_either() -> None:
    assert bare_journal(100, -60, -40).lines == lines_of(100, -60, -40)
    with pytest.raises(Unbalanced, match=r"Debits 1\.00 and credits 0\.99 differ"):
        bare_journal(100, -60, -39)


def test_a_line_of_zero_cannot_stand_in_a_journal() -> None:
    with pytest.raises(ValueError, match="a journal line of zero"):
        bare_journal(100, 0, -100)


def test_merging_keeps_the_order_of_first_use_and_says_a_thing_once() -> None:
    lines = [
        Line(account="b", minor=1, description="Bolt"),
        Line(account="a", minor=2, description=""),
        Line(account="b", minor=3, description="Bolt"),
        Line(account="b", minor=4, description="Nut"),
    ]
    assert merge(lines) == (
        Line(account="b", minor=8, description="Bolt; Nut"),
        Line(account="a", minor=2, description=""),
    )


@LAW
@given(lines=LINES)
def test_merging_keeps_every_accounts_sum_and_no_zero(lines: list[Line]) -> None:
    sums: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        sums[line.account] += line.minor
    assert {line.account: line.minor for line in merge(lines)} == {a: s for a, s in sums.items() if s}
    assert len({line.account for line in merge(lines)}) == len(merge(lines))


@LAW
@given(credits=CREDITS, debit_account=ACCOUNTS, decimals=DECIMALS)
def test_debits_and_credits_are_equal_and_rounding_is_at_most_half_a_minor_unit(
    credits: list[Part], debit_account: str, decimals: int
) -> None:
    debit = debit_of(credits, account=debit_account)
    journal = a_journal(debit=debit, credits=credits, decimals=decimals)
    assert sum(line.minor for line in journal.lines) == 0
    assert journal.exact == debit.amount
    assert journal.posted == from_minor(to_minor(debit.amount, decimals=decimals), decimals=decimals)
    assert Fraction(journal.rounding) == Fraction(journal.posted) - Fraction(debit.amount)
    assert abs(Fraction(journal.rounding)) <= Fraction(1, 2 * 10**decimals)


@LAW
@given(credits=CREDITS, decimals=DECIMALS)
def test_each_account_is_credited_its_amount_to_less_than_a_minor_unit_a_part(
    credits: list[Part], decimals: int
) -> None:
    journal = a_journal(debit=debit_of(credits, account="stock"), credits=credits, decimals=decimals)
    posted = {line.account: -line.minor for line in journal.lines}
    for account in {part.account for part in credits}:
        parts = [part for part in credits if part.account == account]
        exact_minor = Fraction(sum(to_millionths(p.amount) for p in parts) * 10**decimals, 10**6)
        # Half a unit comes from rounding the debit, less than one more from every share of it.
        assert abs(posted.get(account, 0) - exact_minor) < len(parts) + Fraction(1, 2)


@LAW
@given(credits=CREDITS, decimals=DECIMALS)
def test_one_account_everywhere_is_always_empty(credits: list[Part], decimals: int) -> None:
    same = [a_part(part.amount, account="630") for part in credits]
    assert a_journal(debit=debit_of(same, account="630"), credits=same, decimals=decimals).is_empty

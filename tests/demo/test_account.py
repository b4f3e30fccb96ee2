"""The demo's proof can fail: each way in which the books could disagree is noticed."""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from partsemble_core.demo.account import _documents
from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.types import JournalEntry, JournalLine
from partsemble_core.services.reconciling import DocumentProof

ENTRY = JournalEntry(
    token="AAAABBBBCCCC",
    date=dt.date(2026, 3, 16),
    currency="NZD",
    decimals=2,
    reference="PSB-000001",
    narration="built",
    lines=(
        JournalLine(account_id="a", account_code="622", amount=Decimal("10.01")),
        JournalLine(account_id="b", account_code="621", amount=Decimal("-10.01")),
    ),
)
PROOF = DocumentProof(
    reference="PSB-000001",
    exact=Decimal("10.005"),
    posted=Decimal("10.01"),
    rounding=Decimal("0.005"),
    state=ExportState.POSTED,
    external_id="1",
    token=ENTRY.token,
    entry=ENTRY,
)
BOOKS: dict[str, Any] = {
    "journals": [
        {
            "narration": "built [AAAABBBBCCCC]",
            "status": "POSTED",
            "lines": [{"account_code": "622", "amount": "10.01"}, {"account_code": "621", "amount": "-10.01"}],
        }
    ]
}


def test_the_proof_holds_for_one_posted_journal_with_the_lines_that_were_sent() -> None:
    assert [check.holds for check in _documents([PROOF], BOOKS)] == [True, True, True]


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        (lambda j: j.append(copy.deepcopy(j[0])), 0),
        (lambda j: j.clear(), 0),
        (lambda j: j[0].update(status="DRAFT"), 0),
        (lambda j: j.append({"narration": "a draft [ZZZZ]", "status": "DRAFT", "lines": []}), 0),
        (lambda j: j[0]["lines"][0].update(amount="10.02"), 1),
        (lambda j: j[0]["lines"][0].update(amount="10.02"), 2),
        (lambda j: j[0]["lines"][1].update(account_code="310"), 1),
    ],
)
def test_books_that_disagree_fail_the_proof(change: Any, fails: int) -> None:
    books = copy.deepcopy(BOOKS)
    change(books["journals"])
    assert not _documents([PROOF], books)[fails].holds


def test_a_rounding_that_was_not_recorded_fails_the_proof() -> None:
    forgotten = DocumentProof(
        **{name: getattr(PROOF, name) for name in PROOF.__slots__ if name != "rounding"}, rounding=Decimal(0)
    )
    assert not _documents([forgotten], BOOKS)[2].holds


def test_nothing_exported_is_no_proof() -> None:
    assert not _documents([], {"journals": []})[0].holds

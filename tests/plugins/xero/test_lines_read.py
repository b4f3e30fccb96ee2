"""The lines that a look-up reads back from Xero, which a decision about a posting is compared by."""

from __future__ import annotations

from decimal import Decimal

import pytest

from partsemble_xero.journals import result_from

ROW = {
    "ManualJournalID": "9d3b8a1c-0000-4000-8000-000000000001",
    "Status": "POSTED",
    "Date": "/Date(1777593600000+0000)/",
    "JournalLines": [
        {"LineAmount": Decimal("12.50"), "AccountCode": "630", "AccountID": "a1", "Description": "Received"},
        {"LineAmount": Decimal("-12.50"), "AccountCode": "800"},
    ],
}


def test_lines_are_read_with_their_accounts_and_amounts() -> None:
    result = result_from(ROW)
    assert result is not None
    assert result.lines is not None
    assert [(line.account_code, line.account_id, line.amount) for line in result.lines] == [
        ("630", "a1", Decimal("12.50")),
        ("800", "", Decimal("-12.50")),
    ]


@pytest.mark.parametrize("lines", [None, [], "none", [{"AccountCode": "630"}], ["line"]])
def test_lines_that_can_t_be_read_are_none_and_never_a_part_of_them(lines: object) -> None:
    result = result_from({**ROW, "JournalLines": lines})
    assert result is not None
    assert result.lines is None

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.lots import SUPPLIER_CODE
from partsemble_core.domain.suppliers import propose_code


@pytest.mark.parametrize(
    ("name", "taken", "code"),
    [
        ("Acme Components", (), "ACC"),
        ("Acme Components", ("ACC",), "ACM"),
        ("Acme Components", ("ACC", "ACM"), "ACME"),
        ("Acme Components", ("ACC", "ACM", "ACME"), "AC"),
        ("Acme Components", ("ACC", "ACM", "ACME", "AC"), "ACMA"),
        ("Texas Instruments Incorporated of Dallas", (), "TIIO"),
        ("Mouser Ltd", (), "MOU"),
        ("Bolt & Nut Co", (), "BON"),
        ("O'Brien's Parts", (), "OBP"),
        ("Éclair Électronique", (), "ECE"),
        ("3M", (), "MA"),
        ("部品商社", (), "SUP"),
        ("部品商社", ("SUP",), "SUPA"),
        ("X", (), "XA"),
        ("Ltd", (), "LTD"),
        ("", (), "SUP"),
    ],
)
def test_a_code_is_taken_from_the_name(name: str, taken: tuple[str, ...], code: str) -> None:
    assert propose_code(name, taken) == code


@given(st.text(max_size=40), st.integers(min_value=0, max_value=60))
def test_a_code_is_always_valid_and_free(name: str, rounds: int) -> None:
    taken: set[str] = set()
    for _ in range(rounds):
        code = propose_code(name, taken)
        assert SUPPLIER_CODE.fullmatch(code)
        assert code not in taken
        taken.add(code)


def test_a_thousand_of_the_same_name_find_a_code_each() -> None:
    taken: set[str] = set()
    for _ in range(1000):
        taken.add(propose_code("Acme", taken))
    assert len(taken) == 1000

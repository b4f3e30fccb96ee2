"""Every refusal of the domain can be told apart by its code, and read by a person."""

from __future__ import annotations

import re

from partsemble_core.domain.boms import BomCycle, BomTooDeep
from partsemble_core.domain.fifo import Shortage, StockShort
from partsemble_core.domain.journals import Unbalanced
from partsemble_core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    InvariantBroken,
    NotFound,
    PartsembleError,
    Refused,
    WrongState,
    error_classes,
)
from tests.domain.makers import exact

DOMAIN: list[type[PartsembleError]] = [BomCycle, BomTooDeep, StockShort, Unbalanced]
BASES: list[type[PartsembleError]] = [
    PartsembleError,
    Refused,
    NotFound,
    Invalid,
    Conflict,
    Forbidden,
    WrongState,
    InvariantBroken,
]


def test_the_errors_known_are_each_named_once() -> None:
    found = list(error_classes())
    assert len(found) == len(set(found))
    assert {*DOMAIN, *BASES} <= set(found)


def test_codes_are_kebab_case_and_each_class_has_its_own() -> None:
    codes = [error.code for error in (*DOMAIN, *BASES)]
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert len(codes) == len(set(codes))


def test_what_changed_nothing_is_a_refusal_and_our_own_fault_is_not() -> None:
    assert all(issubclass(error, Refused) for error in (BomCycle, BomTooDeep, StockShort, Invalid, WrongState))
    assert not any(issubclass(error, Refused) for error in (Unbalanced, InvariantBroken))


def test_a_message_can_be_read_and_ends_as_a_sentence() -> None:
    shortage = Shortage(product_id=1, needed=exact(2), available=exact(1))
    for error in (
        BomCycle(["A", "B", "A"]),
        BomTooDeep(),
        StockShort([shortage]),
        Unbalanced(exact(1), exact(2)),
        NotFound("product", 7),
    ):
        assert re.fullmatch(r"[A-Z].+\.", str(error)), error


def test_a_refusal_keeps_what_it_is_about() -> None:
    assert (NotFound("product", 7).what, NotFound("product", 7).key) == ("product", 7)
    assert Conflict("Taken.", field="sku").field == "sku"
    assert Conflict("Taken.").field is None

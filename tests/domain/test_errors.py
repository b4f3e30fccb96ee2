"""Every refusal of the domain can be told apart by its code, and read by a person in more than one language."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
import re
from decimal import Decimal

import pytest

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
    Wording,
    WrongState,
    error_classes,
    say,
    say_each,
    word,
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


def test_a_text_is_plain_english_that_knows_its_template() -> None:
    text = say("{quantity} of lot {lot} on {day:%d %B}.", quantity=Decimal("1.50"), lot="L-1", day=dt.date(2026, 5, 4))
    assert text == "1.50 of lot L-1 on 04 May."
    assert hash(text) == hash("1.50 of lot L-1 on 04 May.")
    assert text.template == "{quantity} of lot {lot} on {day:%d %B}."
    assert text.values == {"quantity": Decimal("1.50"), "lot": "L-1", "day": dt.date(2026, 5, 4)}
    assert repr(text) == repr("1.50 of lot L-1 on 04 May.")


@pytest.mark.parametrize("value", ["{lot}", "{", "}}", "{0.__class__}", "50 %", "%s %(lot)s", "\\n", ""])
def test_a_value_comes_out_as_it_went_in(value: str) -> None:
    assert say("Lot {lot}: 100 % {{gone}}.", lot=value) == "Lot " + value + ": 100 % {gone}."
    assert word(value) == value
    assert say_each([value, value], between=" % ") == value + " % " + value
    assert say("It is {what}.", what=word(value)) == "It is " + value + "."


def test_a_text_survives_copies_and_pickles() -> None:
    text = say("{first}, then {rest}.", first=word("hold"), rest=say_each([say("{n} left", n=1), "x"], between="; "))
    again = [copy.copy(text), copy.deepcopy(text)]
    again += [
        pickle.loads(pickle.dumps(text, protocol))  # noqa: S301 - our own bytes
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]
    for each in again:
        assert (type(each), each, each.template) == (Wording, "hold, then 1 left; x.", "{first}, then {rest}.")
        assert each.values == text.values
        rest = each.values["rest"]
        assert isinstance(rest, Wording)
        assert isinstance(rest.values["text_0"], Wording)


def test_a_text_is_written_like_any_other() -> None:
    text = say("“{name}” is taken.", name="Ünit")
    assert json.dumps({"message": text}) == json.dumps({"message": "“Ünit” is taken."})
    assert f"{text}" == str(text) == "“Ünit” is taken."
    assert type(str(text)) is str


def test_a_text_of_ours_stays_what_it_is_and_one_of_theirs_is_no_template() -> None:
    text = say("{n} left", n=1)
    assert word(text) is text
    assert word("on {hold}").template == "on {{hold}}"
    assert say_each([]) == ""


def test_an_error_gives_its_message_to_be_said_in_another_language() -> None:
    text = say("Lot {number} is on hold.", number="L-1")
    for error in (Refused(text), Invalid("lot", text), Conflict(text, field="lot")):
        assert error.message is text
        assert (str(error), type(str(error))) == ("Lot L-1 is on hold.", str)
    again = pickle.loads(pickle.dumps(Refused(text)))  # noqa: S301 - our own bytes
    assert (again.args[0].template, again.args[0].values) == ("Lot {number} is on hold.", {"number": "L-1"})
    assert Refused().message == ""


def test_what_is_missing_is_a_word_of_ours_and_its_key_is_not() -> None:
    message = NotFound("product", "lot").message
    assert isinstance(message, Wording)
    assert message == "There is no product lot in this company."
    assert [isinstance(message.values[name], Wording) for name in ("what", "key")] == [True, False]

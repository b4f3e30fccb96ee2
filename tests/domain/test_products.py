"""SKUs, names and kinds: what is kept, what is the same, what is refused."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.domain.products import ProductKind, clean_sku, clean_text, parse_kind, sku_key
from partsemble_core.errors import Invalid
from tests.domain.strategies import LAW

PRINTABLE = st.text(st.characters(exclude_categories=["C"]), max_size=40)


def test_a_sku_is_kept_trimmed_and_in_its_own_case() -> None:
    assert clean_sku("  Blt-M4 ") == "Blt-M4"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("blt-m4", "BLT-M4"),
        (" BLT-M4", "BLT-M4 "),
        ("Ma\u00df", "MASS"),  # ß and SS
        ("caf\u00e9", "cafe\u0301"),  # composed and decomposed
        ("CAFE\u0301", "caf\u00e9"),
        ("\u03a3\u0391\u03a3", "\u03c3\u03b1\u03c2"),  # the Greek final sigma
        ("\u212b1", "\u00e51"),  # the ångström sign and å
    ],
)
def test_two_spellings_are_one_sku(one: str, other: str) -> None:
    assert sku_key(one) == sku_key(other)


@pytest.mark.parametrize(("one", "other"), [("BLT-4", "BLT-40"), ("A B", "AB"), ("O1", "01"), ("a", "\u00e0")])
def test_different_skus_stay_apart(one: str, other: str) -> None:
    assert sku_key(one) != sku_key(other)


def test_a_decomposed_sku_is_kept_composed() -> None:
    assert clean_sku("cafe\u0301") == "caf\u00e9"


@pytest.mark.parametrize("given", ["", " ", "\u00a0", "\t\n"])
def test_an_empty_sku_is_refused(given: str) -> None:
    with pytest.raises(Invalid, match="SKU is missing") as refusal:
        clean_sku(given)
    assert refusal.value.field == "sku"


def test_a_sku_has_at_most_64_characters() -> None:
    assert len(clean_sku("x" * 64)) == 64
    with pytest.raises(Invalid, match="at most 64 characters"):
        clean_sku("x" * 65)


def test_length_counts_composed_characters() -> None:
    assert len(clean_sku("e\u0301" * 64)) == 64


@pytest.mark.parametrize(
    "hidden",
    ["\x00", "\x07", "\x1b", "\n", "\t", "\x7f", "\u200b", "\u202e", "\ufeff", "\ud800", "\ue000", "\uffff"],
)
def test_what_cannot_be_seen_is_refused(hidden: str) -> None:
    with pytest.raises(Invalid, match="can't be printed"):
        clean_sku(f"A{hidden}B")


@pytest.mark.parametrize("given", [None, 12, b"A", ["A"], True])
def test_a_sku_is_text(given: object) -> None:
    with pytest.raises(Invalid, match="SKU must be text"):
        clean_sku(given)


def test_text_that_is_not_required_may_be_empty() -> None:
    assert clean_text("  ", field="notes", length=10, required=False) == ""


def test_a_refusal_names_the_field_in_words() -> None:
    with pytest.raises(Invalid, match="Lot number is missing") as refusal:
        clean_text("", field="lines[3].lot_number", length=10)
    assert refusal.value.field == "lines[3].lot_number"


@pytest.mark.parametrize("kind", list(ProductKind))
def test_a_kind_is_read_from_its_name(kind: ProductKind) -> None:
    assert parse_kind(kind.value) is kind


@pytest.mark.parametrize("given", ["", "Component", "service", None, 5, "x" * 5_000])
def test_an_unknown_kind_is_refused_with_those_there_are(given: object) -> None:
    with pytest.raises(Invalid, match="raw_material, component, sub_assembly, finished_good") as refusal:
        parse_kind(given)
    assert refusal.value.field == "kind"
    assert len(str(refusal.value)) < 200


@LAW
@given(text=PRINTABLE)
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert sku_key(sku_key(text)) == sku_key(text)


@LAW
@given(text=PRINTABLE)
def test_composed_and_decomposed_have_one_key(text: str) -> None:
    assert sku_key(unicodedata.normalize("NFD", text)) == sku_key(unicodedata.normalize("NFC", text))


@LAW
@given(text=PRINTABLE.filter(lambda text: text.strip() != ""))
def test_cleaning_a_clean_sku_changes_nothing(text: str) -> None:
    cleaned = clean_text(text, field="sku", length=200)
    assert clean_text(cleaned, field="sku", length=200) == cleaned
    assert sku_key(cleaned) == sku_key(text)


def test_notes_may_have_many_lines_and_nothing_else_may() -> None:
    assert clean_text(" one\r\ntwo ", field="notes", length=20, many_lines=True) == "one\ntwo"
    for text in ("one\ntwo", "one\rtwo"):
        with pytest.raises(Invalid, match="can't be printed"):
            clean_text(text, field="name", length=20)
    with pytest.raises(Invalid, match="can't be printed"):
        clean_text("one\x00two", field="notes", length=20, many_lines=True)

"""What labels say, and that their drawn codes say the same to a reader."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.errors import NotFound
from partsemble_core.services.receiving import LineInput, receive
from partsemble_core.services.tagging import (
    BARS_QUIET,
    QR_QUIET,
    Drawing,
    draw_bars,
    draw_qr,
    lots_of_build,
    lots_of_receipt,
    tags_of,
)
from tests.services.makers import Shop, a_shop

TABLE = (
    "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222"
    "123122123221223211221132221231213212223112312131311222321122321221312212322112322211212123212321"
    "232121111323131123131321112313132113132311211313231113231311112133112331132131113123113321133121"
    "313121211331231131213113213311213131311123311321331121312113312311332111314111221411431111111224"
    "111422121124121421141122141221112214112412122114122411142112142211241211221114413111241112134111"
    "111242121142121241114212124112124211411212421112421211212141214121412121111143111341131141114113"
    "114311411113411311113141114131311141411131211412211214211232"
)
"""Bars and gaps of the values 0 to 105 of Code 128, from its standard, six digits each."""
WIDTHS = [TABLE[at : at + 6] for at in range(0, len(TABLE), 6)]
STOP = "2331112"
START = {103: "A", 104: "B", 105: "C"}
SWITCH = {99: "C", 100: "B", 101: "A"}
BLACK = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


def black(drawing: Drawing) -> set[tuple[int, int]]:
    """The modules that the path paints."""
    assert BLACK.sub("", drawing.path) == "", "nothing but rectangles a module high"
    return {
        (int(x) + i, int(y))
        for x, y, right, left in BLACK.findall(drawing.path)
        for i in range(int(right))
        if right == left
    }


def read_bars(drawing: Drawing) -> str:
    """What a scanner reads."""
    painted = {x for x, _ in black(drawing)}
    line = "".join("1" if x in painted else "0" for x in range(drawing.width))
    assert line[:BARS_QUIET] == line[-BARS_QUIET:] == "0" * BARS_QUIET
    widths = "".join(str(len(run[0])) for run in re.finditer(r"1+|0+", line[BARS_QUIET:-BARS_QUIET]))
    assert widths.endswith(STOP)
    symbols = [WIDTHS.index(widths[at : at + 6]) for at in range(0, len(widths) - len(STOP), 6)]
    *values, check = symbols
    assert check == (values[0] + sum(i * value for i, value in enumerate(values))) % 103
    return "".join(_letters(values))


def _letters(values: list[int]) -> list[str]:
    charset, letters = START[values[0]], []
    for value in values[1:]:
        if charset == "C" and value < 100:
            letters.append(f"{value:02}")
        elif value in SWITCH and SWITCH[value] != charset:
            charset = SWITCH[value]
        else:
            letters.append(chr(value + 32) if charset == "B" or value < 64 else chr(value - 64))
    return letters


@pytest.mark.parametrize(
    "text", ["ACM-20260404", "ACM-20260404-002", "PSB-000001", "7", "12345", "a~{ |", "A/1 b" * 12]
)
def test_the_bars_say_the_lot_s_number(text: str) -> None:
    drawing = draw_bars(text)
    assert drawing is not None
    assert read_bars(drawing) == text


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64))
def test_bars_of_any_plain_text_are_read_back(text: str) -> None:
    drawing = draw_bars(text)
    assert drawing is not None
    assert read_bars(drawing) == text


@pytest.mark.parametrize("text", ["É-1", "批次-7", "ñ", "", "\x7f"])
def test_what_bars_can_not_hold_has_none(text: str) -> None:
    assert draw_bars(text) is None


@pytest.mark.parametrize("text", ["https://stock.example/scan?code=ACM-20260404&sku=PANEL-24", "É" * 300])
def test_the_qr_code_is_drawn_module_by_module(text: str) -> None:
    drawing = draw_qr(text)
    wanted = segno.make_qr(text, error="m").matrix
    assert drawing.width == drawing.height == len(wanted) + 2 * QR_QUIET
    assert drawing.box == f"0 0 {drawing.width} {drawing.width}"
    assert black(drawing) == {
        (x + QR_QUIET, y + QR_QUIET) for y, row in enumerate(wanted) for x, cell in enumerate(row) if cell
    }


def test_a_tag_says_what_a_shelf_has_to_know(shop: Shop) -> None:
    shop.products("BOLT", "RACK")
    shop.bom("RACK", {"BOLT": "2"})
    line = LineInput(sku="BOLT", quantity="10", unit_cost="1", lot_number="É-1", expires_on="2027-01-31")
    receipt = shop.write(
        lambda session: receive(session, shop.act, supplier="ACM", lines=[line], received_on="2026-04-04")
    )
    build = shop.build("RACK", "3")
    with shop.reading() as session:
        bought, made = lots_of_receipt(session, receipt.id), lots_of_build(session, build.id)
        bolt, rack = tags_of(session, [*bought, *made, *bought], base_url="https://stock.example")
    assert (bolt.number, bolt.sku, bolt.name, bolt.quantity) == ("É-1", "BOLT", "The BOLT", Decimal(4))
    assert (bolt.supplier, bolt.is_made, str(bolt.expires_on)) == ("ACM Supplies", False, "2027-01-31")
    assert bolt.address == "https://stock.example/scan?code=%C3%89-1&sku=BOLT"
    assert bolt.qr == draw_qr(bolt.address)
    assert bolt.bars is None
    assert (rack.number, rack.supplier, rack.is_made, rack.quantity) == (build.reference, "", True, Decimal(3))
    assert rack.bars is not None
    assert read_bars(rack.bars) == build.reference


def test_what_is_used_up_has_no_label_among_those_of_its_receipt(shop: Shop) -> None:
    shop.products("BOLT", "NUT", "RACK")
    shop.bom("RACK", {"BOLT": "2"})
    lines = [LineInput(sku="BOLT", quantity="10", unit_cost="1"), LineInput(sku="NUT", quantity="3", unit_cost="1")]
    receipt = shop.write(lambda session: receive(session, shop.act, supplier="ACM", lines=lines))
    shop.build("RACK", "5")
    with shop.reading() as session:
        (left,) = tags_of(session, lots_of_receipt(session, receipt.id), base_url="https://stock.example")
    assert left.sku == "NUT"


def test_there_is_no_label_of_another_company_s_lot(shop: Shop) -> None:
    other = a_shop(shop.engine)
    other.products("BOLT")
    other.stock("BOLT", "10")
    theirs = other.lots("BOLT")[0].id
    with shop.reading() as session, pytest.raises(NotFound):
        tags_of(session, [theirs], base_url="http://localhost")

"""Labels as paper: every one has its size to a fraction of a millimetre, and nothing on it is cut off."""

from __future__ import annotations

import re

import pytest

from partsemble_core.services.receiving import LineInput, receive
from tests.journeys.conftest import Console
from tests.web.shop import stock_up

MILLIMETRE = 96 / 25.4
SIZES = {
    "a4": (70, 37, (0, 0.5), (210, 297)),
    "letter": (66.675, 25.4, (4.7625, 12.7), (215.9, 279.4)),
    "roll-62": (62, 40, (0, 0), (62, 40)),
    "roll-100": (100, 50, (0, 0), (100, 50)),
}
MEASURE = """() => {
  const sheet = document.querySelector('.sheet').getBoundingClientRect();
  return [...document.querySelectorAll('.label')].map((label) => {
    const box = label.getBoundingClientRect();
    const inside = (part) => {
      const found = label.querySelector(part)?.getBoundingClientRect();
      return !found || (found.left >= box.left - .5 && found.right <= box.right + .5 && found.top >= box.top - .5
        && found.bottom <= box.bottom + .5);
    };
    const qr = label.querySelector('.label-qr').getBoundingClientRect();
    const foot = label.querySelector('.label-foot').getBoundingClientRect();
    return {
      size: [box.width, box.height],
      at: [box.left - sheet.left, box.top - sheet.top],
      sheet: [sheet.width, sheet.height],
      inside: ['.label-qr', '.label-number', '.label-bars', '.label-sku'].filter((part) => !inside(part)),
      apart: foot.top >= qr.bottom - 2,
      qr: [qr.width, qr.height],
      modules: label.querySelector('.label-qr').viewBox.baseVal.width,
      bars: label.querySelector('.label-bars')?.getBoundingClientRect().width ?? 0,
      wide: label.querySelector('.label-bars')?.viewBox.baseVal.width ?? 1,
      fill: getComputedStyle(label.querySelector('.label-qr path')).fill,
      paper: getComputedStyle(label).backgroundColor,
    };
  });
}"""


def fill(console: Console) -> None:
    stock_up(console.shop)
    lines = [
        LineInput(sku="PANEL-24", quantity="5", unit_cost="1", lot_number="L" * 64, expires_on="2027-12-31"),
        LineInput(sku="FRAME-AL", quantity="999999.999999", unit_cost="0.01", expires_on="2027-12-31"),
        LineInput(sku="SCREW-M3", quantity="5", unit_cost="1", lot_number="ÄÖÜ-Charge-7"),
    ]
    console.shop.write(lambda session, act: receive(session, act, supplier="NTL", lines=lines))


@pytest.mark.parametrize("layout", SIZES)
def test_labels_have_their_size_and_nothing_runs_over(console: Console, page_errors: list[str], layout: str) -> None:
    fill(console)
    page = console.page
    console.sign_in("builder")
    page.evaluate("localStorage.setItem('theme', 'dark')")
    console.open(f"/labels?receipt=5&layout={layout}")
    page.emulate_media(media="print")
    width, height, (left, top), sheet = SIZES[layout]
    found = page.evaluate(MEASURE)
    assert len(found) == 3
    for each in found:
        assert each["size"] == pytest.approx([width * MILLIMETRE, height * MILLIMETRE], abs=0.2)
        assert each["sheet"] == pytest.approx([size * MILLIMETRE for size in sheet], abs=0.2)
        assert (each["inside"], each["apart"]) == ([], True), each
        assert each["qr"][0] / each["modules"] / MILLIMETRE >= 0.22, "a module that a phone reads"
        assert each["bars"] == 0 or each["bars"] / each["wide"] / MILLIMETRE >= 0.18
        assert (each["fill"], each["paper"]) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    assert found[0]["at"] == pytest.approx([left * MILLIMETRE, top * MILLIMETRE], abs=0.2)
    paper = page.pdf(prefer_css_page_size=True)
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert box is not None
    assert [float(side) for side in box.groups()] == pytest.approx([side / 25.4 * 72 for side in sheet], abs=1.0)
    assert len(re.findall(rb"/Type /Page\b", paper)) == (3 if layout.startswith("roll") else 1)
    assert page_errors == []


def test_labels_are_reached_from_a_receipt_and_from_ticked_lots(console: Console, page_errors: list[str]) -> None:
    fill(console)
    page = console.page
    console.sign_in("builder")
    console.open("/receipts/4")
    page.get_by_role("link", name="Labels").click()
    page.wait_for_url("**/labels?receipt=4")
    page.get_by_label("Paper").select_option("roll-62")
    page.get_by_label("Copies of each").fill("2")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**layout=roll-62**")
    assert page.locator(".label").count() == 6
    console.open("/lots")
    page.get_by_role("checkbox", name="ACM-20260402").check()
    page.get_by_role("checkbox", name="NTL-20260421").check()
    page.get_by_role("button", name="Print labels").click()
    page.wait_for_url("**/labels?**")
    assert "csrf" not in page.url
    assert sorted(page.locator(".label-number").all_text_contents()) == ["ACM-20260402", "NTL-20260421"]
    assert page_errors == []

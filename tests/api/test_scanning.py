"""What a scanner's own program and a label printer ask for."""

from __future__ import annotations

from urllib.parse import urlencode

from partsemble_core.services.tagging import draw_bars, draw_qr
from tests.api.callers import Firm


def test_a_code_says_what_it_means(firm: Firm) -> None:
    firm.shop.products("BOLT", "NUT")
    for sku in ("BOLT", "NUT"):
        firm.shop.stock(sku, "10", on="2026-04-04")
    both = firm.owner.get("/scan?code=acm-20260404")
    assert (both["found"], [row["subtitle"] for row in both["rows"]]) == (None, ["BOLT", "NUT"])
    nut = firm.owner.get("/scan?code=ACM-20260404&sku=NUT")["found"]
    assert (nut["kind"], nut["title"], nut["subtitle"]) == ("lot", "ACM-20260404", "NUT")
    label = firm.owner.get(f"/lots/{nut['id']}/label")
    assert firm.owner.get(f"/scan?{urlencode({'code': label['address']})}")["found"] == nut
    assert label["address"].endswith("/scan?code=ACM-20260404&sku=NUT")
    qr, bars = draw_qr(label["address"]), draw_bars("ACM-20260404")
    assert bars is not None
    assert label["qr"] == {"path": qr.path, "width": qr.width, "height": qr.height}
    assert label["bars"] == {"path": bars.path, "width": bars.width, "height": 1}
    assert (label["quantity"], label["supplier"], label["expires_on"]) == ("10", "ACM Supplies", None)
    assert firm.owner.get("/scan?code=nothing") == {"code": "nothing", "sku": "", "found": None, "rows": []}
    assert firm.owner.refused("GET", "/lots/999999/label")[:2] == (404, "not-found")
    assert firm.owner.refused("GET", "/scan?cod=x")[:2] == (422, "invalid")


def test_the_recall_report_says_how_its_lots_hang_together(firm: Firm) -> None:
    firm.shop.products("BOLT", "RACK")
    firm.shop.bom("RACK", {"BOLT": "2"})
    firm.shop.stock("BOLT", "10")
    build = firm.shop.build("RACK", "3")
    (bolt,), (rack,) = firm.shop.lots("BOLT"), firm.shop.lots("RACK")
    step = {"from_id": bolt.id, "into_id": rack.id, "reference": build.reference}
    for lot in (bolt, rack):
        assert firm.owner.get(f"/lots/{lot.id}/trace")["steps"] == [step]

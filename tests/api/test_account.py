from __future__ import annotations

from partsemble_core.store.companies import Role
from tests.api.callers import Firm


def test_everybody_keeps_a_locale_of_their_own(firm: Firm) -> None:
    viewer = firm.callers[Role.VIEWER]
    before = viewer.get("/account")
    assert (before["role"], before["locale"]) == ("viewer", None)
    assert viewer.send("PUT", "/account/locale", {"locale": "de-CH"}) == {**before, "locale": "de-CH"}
    assert viewer.get("/account")["locale"] == "de-CH"
    assert firm.owner.get("/account")["locale"] is None
    assert viewer.send("PUT", "/account/locale", {"locale": None})["locale"] is None


def test_a_locale_that_isn_t_offered_is_refused_and_amounts_stay_plain(firm: Firm) -> None:
    assert firm.owner.refused("PUT", "/account/locale", {"locale": "de"}) == (422, "invalid", "locale")
    assert firm.owner.refused("PUT", "/account/locale", {}) == (422, "invalid", "locale")
    firm.owner.send("PUT", "/account/locale", {"locale": "de-DE"})
    body = {"sku": "DE-1", "name": "x", "kind": "component", "unit": "each", "reorder_point": "1,5"}
    assert firm.owner.refused("POST", "/products", body) == (422, "invalid", "reorder_point")

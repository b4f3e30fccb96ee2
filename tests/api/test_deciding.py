"""What a program may decide about exports over the API."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from partsemble_core.store.companies import Role
from partsemble_core.store.exports import Export
from tests.api.callers import Firm
from tests.services.makers import connect


@pytest.fixture
def held(firm: Firm) -> int:
    """An export that waits for a person."""
    connect(firm.shop)
    firm.shop.products("PANEL")
    firm.owner.send("PUT", "/company/options", {"export_receipts": "manual"})
    firm.shop.stock("PANEL", "5", "2.50")
    return int(firm.owner.get("/exports")["rows"][0]["id"])


def as_failed(firm: Firm, export_id: int) -> None:
    firm.shop.write(
        lambda s: s.execute(sa.update(Export).where(Export.id == export_id).values(state="review", problem="Refused."))
    )


def test_what_is_held_is_rehearsed_and_posted(firm: Firm, held: int) -> None:
    accountant = firm.callers[Role.ACCOUNTANT]
    shown = accountant.get(f"/exports/{held}/dry-run")
    assert (shown["label"], shown["total"], shown["export_id"]) == ("Held", "12.5", held)
    assert [(line["debit"], line["credit"]) for line in shown["lines"]] == [("12.50", None), (None, "12.50")]
    export = accountant.get(f"/exports/{held}")
    assert (shown["digest"], shown["token"]) == (export["payload_sha256"], export["payload"]["token"])
    wrong = {"ids": [held], "digest": "0" * 64}
    assert accountant.refused("POST", "/exports/post", wrong) == (409, "digest-differs", "digest")
    body = accountant.send("POST", "/exports/post", {"ids": [held], "digest": shown["digest"]})
    assert [row["state"] for row in body["rows"]] == ["pending"]
    assert accountant.refused("POST", "/exports/post", {"ids": [held]})[:2] == (409, "wrong-state")


@pytest.mark.parametrize("ids", [[], ["1"], [0], "1", None, [True]])
def test_ids_that_can_t_be_are_refused(firm: Firm, held: int, ids: object) -> None:
    assert firm.owner.refused("POST", "/exports/post", {"ids": ids})[:2] == (422, "invalid")
    assert firm.owner.refused("POST", "/exports/post", {"ids": [10**12]})[:2] == (404, "not-found")
    assert firm.owner.get(f"/exports/{held}")["state"] == "held"


def test_a_posting_is_left_out_with_a_reason(firm: Firm, held: int) -> None:
    assert firm.owner.refused("POST", f"/exports/{held}/skip", {})[:2] == (422, "invalid")
    assert firm.owner.refused("POST", f"/exports/{held}/skip", {"reason": " "}) == (422, "invalid", "reason")
    export = firm.owner.send("POST", f"/exports/{held}/skip", {"reason": "Entered by hand"})
    assert (export["state"], export["label"]) == ("skipped", "Left out")
    assert export["problem"].endswith(": Entered by hand")


def test_a_failed_one_is_posted_anew_or_cancelled(firm: Firm, held: int) -> None:
    assert firm.owner.refused("POST", f"/exports/{held}/remap")[:2] == (409, "wrong-state")
    as_failed(firm, held)
    new = firm.owner.send("POST", f"/exports/{held}/remap")
    assert new["id"] != held
    assert (new["state"], firm.owner.get(f"/exports/{held}")["state"]) == ("pending", "cancelled")
    as_failed(firm, new["id"])
    done = firm.owner.send("POST", f"/exports/{new['id']}/cancel", {"reason": "Wrong supplier"})
    assert done["state"] == "cancelled"
    assert firm.owner.get("/receipts")["rows"][0]["state"] == "reversed"
    assert firm.owner.get("/doctor")["is_well"]


def test_only_owner_and_admin_cancel_for_it_reverses(firm: Firm, held: int) -> None:
    as_failed(firm, held)
    accountant = firm.callers[Role.ACCOUNTANT]
    assert accountant.refused("POST", f"/exports/{held}/cancel", {"reason": "x"})[:2] == (403, "forbidden")


def test_only_an_optional_account_is_unset(firm: Firm) -> None:
    connection = connect(firm.shop)
    path = f"/connections/{connection.id}/accounts"
    roles = {role["role"]: role for role in firm.owner.send("DELETE", f"{path}/waste")["roles"]}
    assert roles["waste"]["account_code"] is None
    firm.owner.send("DELETE", f"{path}/waste")
    assert firm.owner.refused("DELETE", f"{path}/build_debit") == (422, "invalid", "build_debit")
    assert firm.owner.refused("DELETE", f"{path}/tips") == (422, "invalid", "role")

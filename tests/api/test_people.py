from __future__ import annotations

from partsemble_core.services.inviting import accept
from partsemble_core.store.companies import Role
from tests.api.callers import Firm
from tests.services.crew import PASSWORD


def member_of(firm: Firm, role: str) -> int:
    (row,) = firm.owner.get(f"/members?role={role}")["rows"]
    return int(row["id"])


def test_somebody_is_invited_and_let_in(firm: Firm) -> None:
    email = f"nora.{firm.company_id}@firm.test"
    made = firm.owner.send("POST", "/invitations", {"email": email, "role": "viewer"}, status=201)
    assert (made["is_mailed"], made["email"]) == (False, email)
    accept(firm.served.house, made["link"].split("#")[1], name="Nora", password=PASSWORD)
    (row,) = firm.owner.get(f"/invitations?search={email}")["rows"]
    assert row["state"] == "accepted"
    assert firm.owner.get("/members?search=Nora")["total"] == 1
    assert firm.owner.refused("POST", f"/invitations/{made['id']}/revoke")[1] == "conflict"


def test_an_invitation_is_revoked_and_a_wrong_one_refused(firm: Firm) -> None:
    made = firm.owner.send("POST", "/invitations", {"email": "x@firm.test", "role": "viewer"}, status=201)
    assert firm.owner.send("POST", f"/invitations/{made['id']}/revoke")["revoked_at"]
    assert firm.owner.refused("POST", "/invitations", {"email": "x", "role": "viewer"}) == (422, "invalid", "email")
    assert firm.owner.refused("POST", "/invitations", {"email": "x@y.test", "role": "owner"}) == (
        422,
        "invalid",
        "role",
    )


def test_a_member_changes_roles_leaves_and_comes_back(firm: Firm) -> None:
    builder = member_of(firm, "builder")
    assert firm.owner.send("PUT", f"/members/{builder}/role", {"role": "accountant"})["role"] == "accountant"
    assert firm.callers[Role.BUILDER].call("GET", "/audit-log").status_code == 200
    assert firm.owner.send("POST", f"/members/{builder}/deactivate")["is_active"] is False
    assert firm.callers[Role.BUILDER].call("GET", "/company").status_code == 401
    assert firm.owner.send("POST", f"/members/{builder}/reactivate")["is_active"] is True
    assert firm.callers[Role.BUILDER].call("GET", "/company").status_code == 401, "a revoked token stays revoked"
    assert firm.owner.send("POST", f"/members/{builder}/end-sign-ins") == {"ended": 0}


def test_only_who_manages_people_reaches_them(firm: Firm) -> None:
    admin = member_of(firm, "admin")
    for role in (Role.ACCOUNTANT, Role.BUILDER, Role.VIEWER):
        for path in ("/members", "/members.csv", "/invitations", "/sign-ins", f"/members/{admin}"):
            assert firm.callers[role].call("GET", path).status_code == 403
        assert firm.callers[role].refused("POST", f"/members/{admin}/deactivate")[0] == 403
    assert firm.callers[Role.ADMIN].refused("POST", f"/members/{admin}/own", {"password": "x"})[0] == 403
    assert firm.owner.refused("POST", f"/members/{admin}/own", {"password": "x"}) == (422, "invalid", "password")


def test_the_matrix_is_for_everybody_to_read(firm: Firm) -> None:
    rows = {row["rule"]: row["roles"] for row in firm.callers[Role.VIEWER].get("/permissions")["rows"]}
    assert rows["MAY_OWN"] == ["owner"]
    assert rows["MAY_WRITE"] == ["admin", "builder", "owner"]

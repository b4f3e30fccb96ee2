from __future__ import annotations

from partsemble_core.store.companies import Role
from tests.api.callers import Firm


def test_what_is_done_over_the_api_is_told_with_its_token(firm: Firm) -> None:
    firm.owner.send("PUT", "/company/options", {"qa_review": True})
    (row,) = firm.owner.get("/audit-log?kind=settings")["rows"]
    assert row["by"].endswith("(token test)")
    assert (row["door"], row["address"], row["changes"]) == ("api", "127.0.0.1", "qa review: no → yes")


def test_only_who_may_reads_the_log(firm: Firm) -> None:
    for role, status in ((Role.ADMIN, 200), (Role.ACCOUNTANT, 200), (Role.BUILDER, 403), (Role.VIEWER, 403)):
        for path in ("/audit-log", "/audit_log.csv"):
            assert firm.callers[role].call("GET", path).status_code == status, (role, path)

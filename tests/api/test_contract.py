"""What ``openapi.json`` promises is kept, whatever a generator of requests comes up with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.callers import Firm, Served, found_firm, serve
from tests.servers.databases import copy_of
from tests.services.makers import connect

EXAMPLES = 10
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="session")
def stocked_firm(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Firm:
    """A company with one of everything, so that some of the ids that are tried exist."""
    folder = tmp_path_factory.mktemp("contract")
    served = serve(copy_of(migrated_sqlite, folder / "contract.sqlite3"), folder)
    firm = found_firm(served)
    connect(firm.shop)
    firm.shop.products("PANEL", "KIT")
    firm.shop.stock("PANEL", "1000000")
    firm.shop.bom("KIT", {"PANEL": "1"})
    firm.shop.build("KIT", "1")
    firm.owner.send("POST", "/builds/plan", {"sku": "KIT", "quantity": "2"}, status=201)
    firm.owner.send("POST", "/counts", {}, status=201)
    adjusted = {"quantity": "-1", "reason": "loss"}
    firm.owner.send("POST", f"/lots/{firm.shop.lots('PANEL')[0].id}/adjust", adjusted, status=201)
    webhook = firm.owner.send("POST", "/webhooks", {"url": "https://example.com/hooks"}, status=201)
    firm.owner.send("POST", f"/webhooks/{webhook['id']}/test", status=201)
    return firm


@pytest.fixture(scope="session")
def description(stocked_firm: Firm) -> Any:
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", stocked_firm.served.app)


def test_every_operation_keeps_its_contract(stocked_firm: Firm, description: Any) -> None:
    headers = {"Authorization": f"Bearer {stocked_firm.owner.token}"}
    tried = 0
    for found in description.get_all_operations():
        operation = found.ok()

        @seed(1)
        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def keeps_its_contract(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        keeps_its_contract()
        tried += 1
    assert tried >= 70


def test_the_description_names_the_token_the_errors_and_every_operation(served: Served) -> None:
    found = served.app.test_client().get("/api/v1/openapi.json").json
    assert found["openapi"] == "3.1.0"
    assert found["security"] == [{"token": []}]
    assert found["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    operations = [
        operation for path in found["paths"].values() for operation in path.values() if isinstance(operation, dict)
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) >= 70
    assert all(operation["summary"] for operation in operations)
    assert all("default" in operation["responses"] for operation in operations)


def test_amounts_are_described_as_decimal_strings(served: Served) -> None:
    schemas = served.app.test_client().get("/api/v1/openapi.json").json["components"]["schemas"]
    quantity = schemas["BuildIn"]["properties"]["quantity"]
    assert (quantity["type"], quantity["pattern"]) == ("string", r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$")
    assert schemas["BuildIn"]["additionalProperties"] is False

"""Xero's own Python SDK, pointed at a sandbox: a client that was written without knowing of it."""

from __future__ import annotations

import datetime
import gc
import time
import warnings
from decimal import Decimal
from typing import Any

import pytest
from xero_python.accounting import AccountingApi, LineAmountTypes, ManualJournal, ManualJournalLine
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.identity import IdentityApi

from partsemble_xero.sandbox.testing import SCOPES, SandboxHandle


class Stranger:
    """The SDK with the token set that ``tokens`` holds; it refreshes and saves by itself."""

    def __init__(self, sandbox: SandboxHandle, tokens: dict[str, Any], patch: pytest.MonkeyPatch) -> None:
        # The SDK holds these three addresses in class attributes.
        patch.setattr(TokenApi, "refresh_token_url", f"{sandbox.address}/connect/token")
        patch.setattr(TokenApi, "client_credentials_token_url", f"{sandbox.address}/connect/token")
        patch.setattr(TokenApi, "revoke_token_url", f"{sandbox.address}/connect/revocation")
        self.tokens = with_expiry(tokens)
        # The first Configuration of a process is copied for every later one: its app is set, not passed.
        configuration = Configuration()
        configuration.oauth2_token = OAuth2Token(sandbox.client_id, sandbox.client_secret)
        self.client = ApiClient(configuration, pool_threads=1)
        self.client.oauth2_token_getter(lambda: self.tokens)
        self.client.oauth2_token_saver(self.save)
        self.accounting = AccountingApi(self.client, base_url=f"{sandbox.address}/api.xro/2.0")
        self.identity = IdentityApi(self.client, base_url=sandbox.address)

    def close(self) -> None:
        """Close the SDK's connections; it leaves that to the garbage collector, which complains."""
        self.client.rest_client.pool_manager.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    def save(self, tokens: dict[str, Any]) -> None:
        self.tokens = tokens

    def expire(self) -> None:
        """Make the SDK believe that its access token is old."""
        self.tokens = {**self.tokens, "expires_at": time.time() - 10}

    def tenant_id(self, name: str) -> str:
        """The tenant id that ``/connections`` shows for an organisation."""
        found = {each.tenant_name: each for each in self.identity.get_connections()}
        assert found[name].tenant_type == "ORGANISATION"
        return str(found[name].tenant_id)


def with_expiry(tokens: dict[str, Any]) -> dict[str, Any]:
    """A token answer as the SDK wants to be given it."""
    return {**tokens, "expires_at": time.time() + tokens["expires_in"], "scope": SCOPES.split()}


def sdk_journal(**changes: object) -> ManualJournal:
    """A journal of 1,250.40 as the SDK builds it."""
    fields: dict[str, object] = {
        "narration": "COGS 2026-10 [INV-8F3K2]",
        "date": datetime.date(2026, 10, 31),
        "line_amount_types": LineAmountTypes.NOTAX,
        "journal_lines": [
            ManualJournalLine(line_amount=Decimal("1250.40"), account_code="310", tax_type="NONE"),
            ManualJournalLine(line_amount=Decimal("-1250.40"), account_code="622", tax_type="NONE"),
        ],
    }
    return ManualJournal(**{**fields, **changes})

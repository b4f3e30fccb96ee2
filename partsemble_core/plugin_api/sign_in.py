"""A sign-in as data: the plugin says where and what for, and which feature needs which scope; the core walks it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Feature(enum.StrEnum):
    """What a sign-in may allow or not, each by itself."""

    SETTINGS = "settings"
    """Organisation, accounts and items."""
    JOURNALS = "journals"
    CONTACTS = "contacts"
    SALES = "sales"
    BALANCES = "balances"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeNeed:
    """A feature, and the scopes of which it needs one. The first is the one that is asked for."""

    feature: Feature
    any_of: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """An OAuth 2 authorization-code sign-in (RFC 6749 4.1, with RFC 7636 S256 on top).

    ``scopes`` are asked for in this order. ``subject_claim`` names the claim of the access token (a JWT, read without
    verifying) that tells whose grant it is: one grant is shared by all organisations that one person connected.
    """

    authorize_url: str
    token_url: str
    revoke_url: str
    scopes: tuple[str, ...]
    subject_claim: str = "sub"
    refresh_grace_seconds: int = 0
    """How long the previous refresh token may be tried again after a lost answer."""

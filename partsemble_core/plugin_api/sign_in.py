"""A sign-in as data: the plugin says where and what for, the core walks it."""

from __future__ import annotations

from dataclasses import dataclass


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

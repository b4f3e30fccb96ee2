"""JSON web tokens signed with the sandbox's own key (HS256).

Xero signs with RS256. Clients must not rely on either: an access token is Xero's business, and is
decoded only to read ``authentication_event_id``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from .wire import decode, encode


def sign(claims: Mapping[str, object], *, key: str, key_id: str = "") -> str:
    """A compact token holding ``claims``."""
    named = {"kid": key_id} if key_id else {}
    head = _packed(encode({"alg": "HS256", "typ": "JWT", **named}).encode())
    signed = f"{head}.{_packed(encode(claims).encode())}"
    return f"{signed}.{_packed(_signature(signed, key))}"


def read_signed(token: str, *, key: str) -> Mapping[str, object] | None:
    """The claims of a token that this sandbox signed, or None. Expiry is not looked at."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_packed(_signature(signed, key)).encode(), signature.encode()):
        return None
    claims = decode(_unpacked(signed.split(".")[1]))  # only what sign() made gets as far as this
    return claims if isinstance(claims, Mapping) else None


def _signature(signed: str, key: str) -> bytes:
    return hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

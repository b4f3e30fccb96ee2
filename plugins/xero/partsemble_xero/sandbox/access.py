"""Who is calling: the bearer token, its scopes, and the organisation it may work on."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from . import jwt
from .connections import is_connected
from .problems import refused_access
from .state import get_setting
from .tenants import Tenant, find_tenant
from .wire import from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """The user and the scopes that a valid access token stands for."""

    user_id: str
    scopes: frozenset[str]


def read_bearer(connection: sqlite3.Connection, header: str, *, now_ms: int) -> Bearer:
    """Read ``Authorization: Bearer …``. Raises the 401 for no token, a wrong one or an old one."""
    kind, _, token = header.partition(" ")
    claims = jwt.read_signed(token.strip(), key=get_setting(connection, "signing_key"))
    if kind.lower() != "bearer" or claims is None or "scope" not in claims:
        raise refused_access(401, title="Unauthorized", detail="AuthenticationUnsuccessful")
    expires, scopes = claims["exp"], claims["scope"]
    if not isinstance(expires, int) or not isinstance(scopes, list) or expires * 1000 <= now_ms:
        at = from_ms(expires * 1000).strftime("%m/%d/%Y %H:%M:%S") if isinstance(expires, int) else "?"
        raise refused_access(401, title="Unauthorized", detail=f"TokenExpired: token expired at {at}")
    return Bearer(user_id=str(claims["xero_userid"]), scopes=frozenset(map(str, scopes)))


def find_callers_tenant(connection: sqlite3.Connection, bearer: Bearer, *, tenant_id: str) -> Tenant:
    """The organisation that ``Xero-Tenant-Id`` names. Raises the 403 unless it is connected."""
    tenant = find_tenant(connection, tenant_id)
    if (
        tenant is None
        or tenant.tenant_type != "ORGANISATION"
        or not is_connected(connection, user_id=bearer.user_id, tenant_id=tenant_id)
    ):
        raise refused_access(403, title="Forbidden", detail="AuthenticationUnsuccessful")
    return tenant


def check_scope(bearer: Bearer, *, wanted: tuple[str, ...]) -> None:
    """Raises the 401 unless the token carries one of the wanted scopes."""
    if bearer.scopes.isdisjoint(wanted):
        raise refused_access(401, title="Unauthorized", detail="AuthorizationUnsuccessful")

"""The rooms of Settings, and which one a page stands in: the tabs above each of them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for

from partsemble_core.services.admitting import MAY_AUDIT, MAY_MANAGE, MAY_SET_UP
from partsemble_core.store.companies import Role
from partsemble_web.scope import may
from partsemble_web.speaking import mark

EVERYBODY = frozenset(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A tab. ``area`` are the pages that stand in it: a blueprint, or single endpoints."""

    endpoint: str
    title: str
    area: frozenset[str] = frozenset()
    roles: frozenset[Role] = EVERYBODY

    @property
    def address(self) -> str:
        return url_for(self.endpoint)

    @property
    def is_here(self) -> bool:
        endpoint = request.endpoint or ""
        if endpoint in NAMED:
            return endpoint in self.area
        return endpoint == self.endpoint or f"{request.blueprint}." in self.area


ROOMS = (
    Room(
        endpoint="options.show_company",
        title=mark("Company"),
        area=frozenset({"options.show_company", "options.set_company"}),
    ),
    Room(
        endpoint="options.show",
        title=mark("How work is done"),
        area=frozenset({"options.show", "options.set_switches", "options.lock", "options.unlock"}),
    ),
    Room(
        endpoint="options.show_exports",
        title=mark("Exports"),
        area=frozenset({"options.show_exports", "options.set_exports"}),
    ),
    Room(endpoint="people.show_list", title=mark("Users"), area=frozenset({"people."}), roles=MAY_MANAGE),
    Room(
        endpoint="people.show_sign_ins",
        title=mark("Sign-ins"),
        area=frozenset({"people.show_sign_ins"}),
        roles=MAY_MANAGE,
    ),
    Room(endpoint="people.show_permissions", title=mark("Permissions"), area=frozenset({"people.show_permissions"})),
    Room(endpoint="tokens.show_list", title=mark("API tokens"), area=frozenset({"tokens."}), roles=MAY_SET_UP),
    Room(endpoint="webhooks.show", title=mark("Webhooks"), area=frozenset({"webhooks."}), roles=MAY_SET_UP),
    Room(
        endpoint="backend_settings.show",
        title=mark("Accounting"),
        area=frozenset({"backend_settings."}),
        roles=MAY_SET_UP,
    ),
    Room(endpoint="audits.show_list", title=mark("Audit log"), area=frozenset({"audits."}), roles=MAY_AUDIT),
)
NAMED = frozenset(name for room in ROOMS for name in room.area if not name.endswith("."))
"""Pages that say themselves where they stand, whatever their blueprint."""


def rooms() -> list[Room]:
    """The tabs that the person may open; none on a page that isn't of Settings."""
    return [room for room in ROOMS if may(room.roles)] if any(room.is_here for room in ROOMS) else []

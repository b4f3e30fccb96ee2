"""Scoping: what a sign-in allows, by the scopes that came with its tokens, before anything is asked of the books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from partsemble_core.errors import say, word
from partsemble_core.plugin_api.errors import NotPermitted
from partsemble_core.plugin_api.sign_in import Feature
from partsemble_core.plugin_api.types import BackendInfo, Capabilities
from partsemble_core.services.configuring import settings_in
from partsemble_core.services.house import House
from partsemble_core.services.token_keeping import newest_set
from partsemble_core.store.connections import Connection
from partsemble_core.store.database import reading_anywhere

TITLES: Mapping[Feature, str] = {
    Feature.SETTINGS: "accounts, items and lock dates",
    Feature.JOURNALS: "journals",
    Feature.CONTACTS: "contacts",
    Feature.SALES: "sales",
    Feature.BALANCES: "account balances",
}
WANTED: Mapping[Feature, Callable[[Capabilities], bool]] = {
    Feature.CONTACTS: lambda able: able.contacts_push,
    Feature.SALES: lambda able: able.sales,
    Feature.BALANCES: lambda able: able.balances,
}
"""Features that a backend may be without. What it can't do needs no scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A feature that the sign-in doesn't allow. ``is_asked``: connecting again asks for it.

    ``is_optional``: nobody asks for it, and it isn't asked for as Partsemble comes: no alarm, only a hint.
    """

    feature: Feature
    title: str
    scope: str
    backend_title: str
    is_asked: bool
    is_optional: bool

    @property
    def cure(self) -> str:
        if self.is_asked:
            return word("Connect again to allow it.")
        return say(
            "It isn't asked for: add {scope} under Settings of {backend_title} → Scopes, then connect again.",
            scope=self.scope,
            backend_title=self.backend_title,
        )


def lacks_of(house: House, connection: Connection) -> list[Lack]:
    """What the connection's sign-in doesn't allow. Nothing where that isn't known, or the plugin isn't loaded."""
    info = house.host.infos.get(connection.backend)
    if info is None or connection.grant_id is None or not info.scope_needs:
        return []
    with reading_anywhere(house.engine) as session:
        newest = newest_set(session, connection.grant_id)
        granted = frozenset(newest.scope.split()) if newest else frozenset()
        asked = _asked(session, house, info)
    usual = frozenset(_usual_scopes(info).split())
    lacking = [
        need
        for need in info.scope_needs
        if granted.isdisjoint(need.any_of) and _is_wanted(need.feature, info.capabilities)
    ]
    return [
        Lack(
            feature=need.feature,
            title=TITLES[need.feature],
            scope=need.any_of[0],
            backend_title=info.title,
            is_asked=not asked.isdisjoint(need.any_of),
            is_optional=need.feature in WANTED and (asked | usual).isdisjoint(need.any_of),
        )
        for need in (lacking if granted else ())
    ]


def check_allowed(house: House, connection: Connection, feature: Feature) -> None:
    """Raises NotPermitted, without a call, where the sign-in doesn't allow the feature."""
    for lack in lacks_of(house, connection):
        if lack.feature == feature:
            raise NotPermitted(
                say(
                    "The sign-in to {organisation_name} doesn't allow {title} ({scope}). {cure}",
                    organisation_name=connection.organisation_name,
                    title=word(lack.title),
                    scope=lack.scope,
                    cure=lack.cure,
                )
            )


def _is_wanted(feature: Feature, able: Capabilities) -> bool:
    is_able = WANTED.get(feature)
    return is_able is None or is_able(able)


def _asked(session: Session, house: House, info: BackendInfo) -> frozenset[str]:
    """The scopes that the next sign-in asks for, by the setting of that name."""
    given = settings_in(session, house, info.name).get("scopes")
    return frozenset((given.reveal() if given else _usual_scopes(info)).split())


def _usual_scopes(info: BackendInfo) -> str:
    return next((field.default for field in info.settings if field.name == "scopes"), "")

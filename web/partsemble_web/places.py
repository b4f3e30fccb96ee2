"""Every page that one can go to by name: those of the menu, and those behind Settings and Integrations."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from partsemble_core.errors import say
from partsemble_core.services.admitting import MAY_AUDIT, MAY_MANAGE, MAY_SET_UP
from partsemble_core.store.companies import Role
from partsemble_web.scope import may, the_house
from partsemble_web.speaking import mark, said

EVERYBODY = frozenset(Role)
MOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page. ``words`` are others that people look for it by."""

    endpoint: str
    icon: str
    title: str
    area: str = ""
    words: str = ""
    roles: frozenset[Role] = EVERYBODY
    backend: str = ""

    @property
    def address(self) -> str:
        return url_for(self.endpoint, backend=self.backend) if self.backend else url_for(self.endpoint)


def _in_menu(endpoint: str, icon: str, title: str, words: str = "") -> Place:
    return Place(endpoint=endpoint, icon=icon, title=title, area=endpoint.partition(".")[0], words=words)


MENU: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "",
        (
            _in_menu("home.show", "home", "Home"),
            _in_menu("scanning.show", "barcode", "Scan", "barcode qr label"),
        ),
    ),
    (
        mark("Stock"),
        (
            _in_menu("products.show_list", "package", "Products", "boms items parts"),
            _in_menu("lots.show_list", "stack-2", "Lots", "batches"),
            _in_menu("stock.show_list", "list-details", "Stock ledger", "movements"),
            _in_menu("counts.show_list", "check", "Stock counts", "stocktake"),
            _in_menu("adjustments.show_list", "scale", "Adjustments"),
            _in_menu("valuations.show", "coin", "Valuation", "value"),
        ),
    ),
    (
        mark("Work"),
        (
            _in_menu("receipts.show_list", "truck-delivery", "Receipts", "purchases"),
            _in_menu("builds.show_list", "building-factory-2", "Builds", "assemblies"),
            _in_menu("plans.show_list", "clock", "Planned builds"),
            _in_menu("suppliers.show_list", "building-store", "Suppliers"),
        ),
    ),
    (
        mark("Books"),
        (
            _in_menu("exports.show_list", "file-export", "Exports", "postings journals"),
            _in_menu("reconciling.show", "books", "Reconcile", "reconciliation true-up"),
            _in_menu("integrations.show", "plug-connected", "Integrations", "connect accounts tracking"),
            _in_menu("options.show", "hammer", "Settings", "options period lock review"),
        ),
    ),
)
BEHIND = (
    Place(endpoint="account.show", icon="users", title="Your account", words="password second factor two-factor"),
    Place(
        endpoint="people.show_list", icon="users", title="Users", words="people members roles invite", roles=MAY_MANAGE
    ),
    Place(
        endpoint="audits.show_list",
        icon="list-details",
        title="Audit log",
        words="history changes who",
        roles=MAY_AUDIT,
    ),
    Place(endpoint="webhooks.show", icon="plug", title="Webhooks", words="events endpoints", roles=MAY_SET_UP),
    Place(endpoint="tokens.show_list", icon="lock", title="API tokens", words="rest bearer program", roles=MAY_SET_UP),
    Place(endpoint="options.show_company", icon="hammer", title="Company", words="name time zone currency quantities"),
    Place(endpoint="options.show_exports", icon="file-export", title="Export settings", words="automatic manual mode"),
    Place(endpoint="first_steps.show", icon="check", title="First steps", words="set up begin wizard"),
    Place(endpoint="helping.show_topics", icon="info-circle", title="Help", words="what does this do"),
    Place(endpoint="reconciling.show_runs", icon="history", title="Verdicts of the books", words="runs asked history"),
    Place(endpoint="reconciling.show_true_ups", icon="scale", title="True-ups", words="rounding"),
    Place(endpoint="integrations.show_syncs", icon="refresh", title="Syncs", words="runs schedule"),
    Place(endpoint="integrations.show_items", icon="package", title="Items of the books"),
    Place(endpoint="integrations.show_contacts", icon="building-store", title="Contacts of the books"),
    Place(endpoint="integrations.show_sales", icon="books", title="Sales documents", words="invoices credit notes"),
    Place(endpoint="integrations.show_heard", icon="plug", title="What was heard", words="webhooks from the books"),
)


def places_behind(text: str) -> list[Place]:
    """Pages that are not in the menu and go by these words, as far as the person may open them."""
    return [place for place in (*BEHIND, *_backends()) if _goes_by(place, text) and may(place.roles)]


def places_in_menu(text: str) -> list[Place]:
    """Pages of the menu that go by these words."""
    return [place for _, places in MENU for place in places if _goes_by(place, text)]


def _backends() -> list[Place]:
    """The page of settings of each accounting system that has some."""
    infos = sorted(the_house().host.infos.values(), key=lambda info: info.title)
    return [
        Place(
            endpoint="backend_settings.edit",
            icon="plug-connected",
            title=say("Settings of {backend}", backend=info.title),
            words="client id secret scopes key",
            roles=MAY_SET_UP,
            backend=info.name,
        )
        for info in infos
        if info.settings
    ]


def _goes_by(place: Place, text: str) -> bool:
    known = f"{said(place.title)} {said(place.words)} {place.title} {place.words}".casefold().split()
    asked = text.casefold().split()
    return bool(asked) and all(any(word.startswith(each) for word in known) for each in asked)

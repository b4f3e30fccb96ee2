"""Permitting: what each role may do, read from the very rules that the doors ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from partsemble_core.services import admitting
from partsemble_core.store.companies import Role

WORDS: Mapping[str, tuple[str, str]] = {
    "": ("See everything that isn’t below", "Products, stock, documents, exports, reports, and their downloads."),
    "MAY_WRITE": (
        "Work with stock",
        "Receive, plan, build, review, count, adjust, hold, trace; products, BOMs, suppliers.",
    ),
    "MAY_EXPORT": ("Decide about the books", "Post, try again, leave out or cancel exports; run syncs."),
    "MAY_LOCK": ("Lock periods", "Close a period and open it again."),
    "MAY_AUDIT": ("Read the audit log", "Who changed what, when and from where."),
    "MAY_SET_UP": ("Set up and undo", "Options, connections, accounts, webhooks; reverse documents, cancel exports."),
    "MAY_MANAGE": ("Manage people", "Invite, change roles, deactivate, end sign-ins."),
    "MAY_OWN": ("Own the company", "Hand it over; take off somebody’s second factor."),
}
"""By the name of the rule: what it lets somebody do. A test holds that no rule of `admitting` is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One row of the matrix. ``rule`` is the rule's name in the code; empty for what everybody may."""

    rule: str
    title: str
    text: str
    roles: frozenset[Role]


def rules() -> dict[str, frozenset[Role]]:
    """Every rule that doors ask, by its name."""
    return {name: value for name, value in vars(admitting).items() if name.startswith("MAY_")}


def permissions() -> list[Permission]:
    """The matrix, row by row. A rule without words is shown by its name rather than not at all."""
    found = {"": frozenset(Role), **rules()}
    order = [*(name for name in WORDS if name in found), *(name for name in found if name not in WORDS)]
    return [
        Permission(
            rule=name,
            title=WORDS.get(name, (name, ""))[0],
            text=WORDS.get(name, (name, ""))[1],
            roles=found[name],
        )
        for name in order
    ]

"""Export accounts: what each role in postings is for, and the accounts that can be chosen for it, by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from partsemble_core.domain.journals import REQUIRED_ROLES, AccountRole
from partsemble_core.plugin_api.types import AccountClass
from partsemble_core.services.exporting import ROLE_LABELS
from partsemble_core.store.connections import RemoteAccount
from partsemble_web.speaking import mark

HELP: Mapping[AccountRole, str] = {
    AccountRole.RECEIVING_DEBIT: mark(
        "An asset account: the stock of parts. A receipt puts in what the goods cost, a build takes out what it used."
    ),
    AccountRole.RECEIVING_CREDIT: mark(
        "A clearing account for goods received: your supplier’s bill is booked against it, and it comes back to zero."
    ),
    AccountRole.BUILD_DEBIT: mark("An asset account: the stock of what you make. A build puts in its full cost."),
    AccountRole.BUILD_CREDIT: mark(
        "Where a build takes its parts from. Most choose the same account as for receiving debit."
    ),
    AccountRole.WASTE: mark(
        "An expense account for rejected builds, breakage and missing stock. Needed before the first of these."
    ),
    AccountRole.APPLIED_COSTS: mark(
        "Takes the other side of labour and overhead in your BOMs: an expense account that shrinks by what went into "
        "stock."
    ),
    AccountRole.COGS: mark("Not used yet: for the cost of sales, later."),
    AccountRole.FINISHED_GOODS: mark("Not used yet: for the cost of sales, later."),
    AccountRole.ROUNDING: mark("Only for true-ups: rounding of less than a cent a posting is moved here when you ask."),
}
CLASSES: Mapping[str, str] = {
    AccountClass.ASSET: mark("Assets"),
    AccountClass.LIABILITY: mark("Liabilities"),
    AccountClass.EQUITY: mark("Equity"),
    AccountClass.REVENUE: mark("Revenue"),
    AccountClass.EXPENSE: mark("Expenses"),
}
"""In the order of a balance sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChoice:
    """A role that an account plays in postings, with the account chosen for it so far.

    ``typed`` is the code of a form that was refused, and ``retyped`` its account, where that is another one.
    """

    role: AccountRole
    title: str
    help: str
    is_required: bool
    chosen: RemoteAccount | None
    typed: str | None = None
    retyped: RemoteAccount | None = None


def role_choices(
    chosen: Mapping[AccountRole, RemoteAccount],
    *,
    typed: Mapping[AccountRole, str] | None = None,
    accounts: Sequence[RemoteAccount] = (),
) -> list[RoleChoice]:
    """Every role, the required ones as they come in postings; with what was ``typed``, if a form comes back."""
    by_code = {account.code: account for account in accounts if account.code}
    return [
        _with_typed(
            RoleChoice(
                role=role, title=title, help=HELP[role], is_required=role in REQUIRED_ROLES, chosen=chosen.get(role)
            ),
            (typed or {}).get(AccountRole(role)),
            by_code,
        )
        for role, title in ROLE_LABELS.items()
    ]


def _with_typed(choice: RoleChoice, code: str | None, by_code: Mapping[str, RemoteAccount]) -> RoleChoice:
    """What is chosen already wasn't typed anew, and a required role left empty stays as it is."""
    now = choice.chosen
    if code is None or (now is not None and (code == now.code or (not code and choice.is_required))):
        return choice
    return replace(choice, typed=code, retyped=by_code.get(code))


def by_class(accounts: Sequence[RemoteAccount]) -> list[tuple[str, list[RemoteAccount]]]:
    """The accounts under the title of their class; within each by code, as they came."""
    groups: dict[str, list[RemoteAccount]] = {name: [] for name in CLASSES}
    for account in accounts:
        groups.setdefault(account.classification, []).append(account)
    return [(CLASSES.get(name, name), found) for name, found in groups.items() if found]

"""Incorporating: the first company of an installation, founded in the console; and what its owner can change of it.

Who sees the terminal or the log of the server may found: a code is printed there, kept hashed, and counts once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.domain.products import NAME_LENGTH, clean_text
from partsemble_core.errors import Conflict, Forbidden, Invalid, say
from partsemble_core.services.admitting import Person, as_person, found_company
from partsemble_core.services.house import House
from partsemble_core.store.adjustments import Adjustment, Reversal, StockCount
from partsemble_core.store.audits import Actor, Door
from partsemble_core.store.builds import Build
from partsemble_core.store.companies import Company, Membership, SetUpCode, get_company
from partsemble_core.store.database import reading_anywhere, write_anywhere
from partsemble_core.store.lots import Lot, StockEntry
from partsemble_core.store.receipts import Receipt
from partsemble_core.store.session import CompanySession
from partsemble_core.store.true_ups import TrueUp

SET_UP = "/set-up"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are taken for others."""
GROUPS, GROUP = 4, 4
DAYS = (
    StockEntry.effective_on,
    Lot.received_on,
    Receipt.received_on,
    Build.built_on,
    Adjustment.adjusted_on,
    StockCount.counted_on,
    Reversal.reversed_on,
    TrueUp.trued_up_on,
)
"""On which things have happened."""
CONTINENTS = frozenset(
    ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)


class SetUpOver(Conflict):
    """This installation has its company: nobody founds the first one any more."""

    code = "set-up-over"

    def __init__(self) -> None:
        super().__init__("This installation has its company already. Sign in, or ask its owner to invite you.")


class SetUpCodeWrong(Forbidden):
    """The set-up code isn't the newest one of this installation."""

    code = "set-up-code-wrong"

    def __init__(self) -> None:
        super().__init__(
            "This set-up code is wrong or an old one. Copy the newest from the terminal or the log of the server, or "
            "have a new one made there: partsemble set-up-code."
        )
        self.field = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What somebody typed to found a company."""

    name: str
    currency: str
    timezone: str
    owner: str
    email: str
    password: str


def has_company(house: House) -> bool:
    """Whether anybody can sign in here at all."""
    with reading_anywhere(house.engine) as session:
        return _is_founded(session)


def make_code(house: House) -> str:
    """A new set-up code; older ones are void. Raises SetUpOver."""
    text = "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))

    def work(session: Session) -> None:
        if _is_founded(session):
            raise SetUpOver
        session.execute(sa.delete(SetUpCode))
        session.add(SetUpCode(code_sha256=_hashed(text), made_at=house.clock()))

    write_anywhere(house.engine, work)
    return text


def link_of(house: House, code: str) -> str:
    """Behind the #, which browsers send to nobody."""
    return f"{house.settings.base_url}{SET_UP}#{code}"


def found_first(house: House, code: str, founding: Founding, *, address: str) -> Person:
    """Founds the first company; of two who try at once one wins. What is refused leaves the code as it was.

    Raises SetUpOver, SetUpCodeWrong, Invalid, Conflict.
    """
    now = house.clock()
    actor = Actor(by=founding.email.strip().lower()[:254], door=Door.CONSOLE, address=address)

    def work(session: Session) -> Person:
        # The row is locked by its change: a second founder waits here, and then finds it used.
        spent = sa.update(SetUpCode).where(SetUpCode.code_sha256 == _hashed(code), SetUpCode.used_at.is_(None))
        is_mine = session.execute(spent.values(used_at=now).returning(SetUpCode.id)).first() is not None
        if _is_founded(session):
            raise SetUpOver
        if not is_mine:
            raise SetUpCodeWrong
        company, user = found_company(
            session,
            name=founding.name,
            currency=founding.currency,
            email=founding.email,
            password=founding.password,
            now=now,
            timezone=founding.timezone,
            owner_name=founding.owner,
            actor=actor,
        )
        membership = session.scalars(sa.select(Membership).where(Membership.company_id == company.id)).one()
        return as_person(membership, user)

    return write_anywhere(house.engine, work)


def change_company(session: CompanySession, *, name: object, timezone: object, at: dt.datetime) -> Company:
    """Another name, another clock; its currency stays, for every amount is in it. Raises Invalid.

    A clock by which the day of the latest document hasn't come yet is refused: what is done next would lie before it.
    """
    company = get_company(session)
    if not isinstance(timezone, str) or timezone not in available_timezones():
        raise Invalid("timezone", "There is no such time zone. Choose one, such as Pacific/Auckland.")
    company.name = clean_text(name, field="name", length=NAME_LENGTH)
    if timezone != company.timezone:
        _check_clock(session, timezone, at=at)
    company.timezone = ZoneInfo(timezone).key
    session.flush()
    return company


def timezones() -> list[str]:
    """Those that people look for: by continent and city, and UTC."""
    return ["UTC", *sorted(zone for zone in available_timezones() if zone.partition("/")[0] in CONTINENTS)]


def _check_clock(session: CompanySession, timezone: str, *, at: dt.datetime) -> None:
    latest = max((day for day in (session.scalar(sa.select(sa.func.max(day))) for day in DAYS) if day), default=None)
    today = at.astimezone(ZoneInfo(timezone)).date()
    if latest is not None and today < latest:
        raise Invalid(
            "timezone",
            say(
                "In {timezone} it is still {today}, but something happened on {latest} here already, and nothing may "
                "be dated before it. Choose this time zone once it is {latest} there.",
                timezone=timezone,
                today=today,
                latest=latest,
            ),
        )


def _is_founded(session: Session) -> bool:
    return session.scalar(sa.select(sa.exists(sa.select(Company.id)))) is True


def _hashed(code: str) -> str:
    """Typed small or without hyphens it is the same code."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()

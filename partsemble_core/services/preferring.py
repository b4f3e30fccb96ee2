"""Preferring: the language and the formats in which a person reads the console and types into it."""

from __future__ import annotations

from partsemble_core.errors import Invalid, say
from partsemble_core.services.admitting import Person
from partsemble_core.store.companies import User
from partsemble_core.store.session import CompanySession

LOCALES = ("en-GB", "en-US", "en-AU", "en-NZ", "en-IE", "en-CA", "en-ZA", "de-DE", "de-AT", "de-CH")
"""A language, and the country whose dates and numbers go with it. The first of a language is taken for all others."""
DEFAULT = LOCALES[0]


def prefer_locale(session: CompanySession, person: Person, locale: object) -> User:
    """Keeps the person's choice; nothing leaves it to the browser. Raises Invalid."""
    if locale not in (None, "", *LOCALES):
        known = ", ".join(LOCALES)
        raise Invalid("locale", say("That language isn't offered. Use one of {known}, or nothing.", known=known))
    user = session.get_one(User, person.user_id)
    user.locale = str(locale) if locale else None
    session.flush()
    return user

"""The account that a token belongs to, over REST: who it is, and in what language their console speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partsemble_core.api import account_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, the_person, writing
from partsemble_core.services.preferring import prefer_locale
from partsemble_core.services.staffing import get_member
from partsemble_core.store.companies import Role, User

EVERYBODY = frozenset(Role)
area = Area("account", "The person whose token it is.")


@area.route("GET", "/account", gives=schemas.AccountOut)
def show_account() -> Json:
    """Who the token belongs to."""
    with reading() as session:
        return _account_body(get_member(session, the_person().membership_id)[1])


@area.route("PUT", "/account/locale", takes=schemas.LocaleIn, gives=schemas.AccountOut, roles=EVERYBODY)
def change_locale(body: Mapping[str, Any]) -> Json:
    """Language and formats of the person's console; null leaves them to the browser."""
    person = the_person()
    return writing(lambda session, act: _account_body(prefer_locale(session, person, body["locale"])))


def _account_body(user: User) -> Json:
    return {"email": user.email, "name": user.name, "role": the_person().role.value, "locale": user.locale}

"""Configuring: what accounting systems are told of this installation, by the environment or entered in the console.

What was entered is sealed and belongs to the whole installation, since one app serves all its companies. The
environment wins. Addresses that tokens are sent to come from the environment alone.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from partsemble_core.config import PLUGIN_PREFIX, BadSetting
from partsemble_core.errors import Invalid, Refused, Wording, say, word
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.types import SettingField
from partsemble_core.services.acting import Act, person_of
from partsemble_core.services.admitting import MAY_SET_UP
from partsemble_core.services.house import House
from partsemble_core.store.backend_settings import BackendSetting
from partsemble_core.store.companies import Membership, User
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.store.database import reading_anywhere, write_anywhere
from partsemble_core.vault import Place, SealBroken

LONGEST = 2_000
DIGITS = 18
"""Of a whole number."""
PRINTABLE = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")


class SettingsShared(Refused):
    """Other companies are connected with these settings, and the person may not decide for all of them."""

    code = "settings-shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingShown:
    """A setting as people see it: where it comes from, and its value unless that is a secret."""

    name: str
    label: str
    help: str
    required: bool
    secret: bool
    source: str
    """environment, console, default, or empty where nobody has set it."""
    value: str
    variable: str
    """The environment variable that wins over the console."""
    editable: bool


def settings_of(house: House, backend: str) -> dict[str, Secret]:
    """What the environment says, and for the rest what was entered. What can't be opened counts as not entered."""
    with reading_anywhere(house.engine) as session:
        return settings_in(session, house, backend)


def settings_in(session: Session, house: House, backend: str) -> dict[str, Secret]:
    """The same in a transaction that is open already."""
    found: dict[str, Secret] = {}
    for row in _rows(session, backend):
        try:
            found[row.name] = house.vault.unseal(row.value_sealed, _place(row.row_key))
        except SealBroken:  # the doctor names it; the page asks for it again
            continue
    return found | _environment(house, backend)


def show_settings(house: House, backend: str) -> list[SettingShown]:
    """Every setting that the backend declares."""
    given, in_force = _environment(house, backend), settings_of(house, backend)
    return [_shown(backend, field, given, in_force) for field in house.host.info(backend).settings]


def missing_settings(house: House, backend: str) -> list[str]:
    """Environment variables of the settings that the backend can't do without and that nobody has set."""
    in_force = settings_of(house, backend)
    return [
        _variable(backend, field.name)
        for field in house.host.info(backend).settings
        if field.required and not field.default and field.name not in in_force
    ]


def change_settings(
    house: House, act: Act, backend: str, changes: Mapping[str, object], *, at_the_machine: bool = False
) -> None:
    """Enters settings, all or none; None or an empty text removes one. What isn't named stays.

    ``at_the_machine``: whoever can type commands here runs the installation. Raises Invalid naming the setting,
    SettingsShared.
    """
    fields = {field.name: field for field in house.host.info(backend).settings}
    wanted = {name: _checked(house, backend, name, value, fields.get(name)) for name, value in changes.items()}

    def change(session: Session) -> None:
        if not at_the_machine:
            _refuse_for_others(session, act, backend)
        for name, value in wanted.items():
            session.execute(
                sa.delete(BackendSetting).where(BackendSetting.backend == backend, BackendSetting.name == name)
            )
            if value:
                session.add(_sealed(house, act, backend, name, value))

    write_anywhere(house.engine, change)


def _sealed(house: House, act: Act, backend: str, name: str, value: str) -> BackendSetting:
    row_key = secrets.token_hex(16)
    return BackendSetting(
        backend=backend,
        name=name,
        row_key=row_key,
        value_sealed=house.vault.seal(Secret(value), _place(row_key)),
        set_by=act.by,
        set_at=act.at,
    )


def _refuse_for_others(session: Session, act: Act, backend: str) -> None:
    """One app serves all companies: who changes it must be owner or admin in each that is connected with it."""
    own = (
        sa.select(Membership.company_id)
        .join(User, User.id == Membership.user_id)
        .where(User.email == person_of(act.by), Membership.role.in_(MAY_SET_UP))
    )
    others = session.scalar(
        sa.select(sa.func.count(sa.distinct(Connection.company_id))).where(
            Connection.backend == backend,
            Connection.state != ConnectionState.DISCONNECTED,
            Connection.company_id.not_in(own),
        )
    )
    if others:
        raise SettingsShared(
            "Other companies of this installation are connected with these settings. Ask whoever runs it to change "
            "them with `partsemble backend set`, or somebody who is owner or admin in all of them."
        )


def _checked(house: House, backend: str, name: str, value: object, field: SettingField | None) -> str:
    if field is None or field.environment_only:
        known = [each.name for each in house.host.info(backend).settings if not each.environment_only]
        listed = (
            say("Choose one of {known}.", known=", ".join(known))
            if known
            else say("{backend} has none.", backend=backend)
        )
        raise Invalid(name[:60], say("There is no setting {name!r} to enter here. {cure}", name=name[:60], cure=listed))
    if name in _environment(house, backend):
        raise Invalid(
            name,
            say(
                "The environment sets it: change {variable}, then restart Partsemble.",
                variable=_variable(backend, name),
            ),
        )
    text = value.strip() if isinstance(value, str) else ""
    if value is not None and not isinstance(value, str):
        raise Invalid(name, say("{label} is a text.", label=word(field.label)))
    if text and (len(text) > LONGEST or not PRINTABLE.fullmatch(text)):
        raise Invalid(
            name,
            say(
                "{label} can't be that. Copy it again, without spaces or line breaks around it.",
                label=word(field.label),
            ),
        )
    if text and field.whole_number is not None and not _is_whole(text, field.whole_number):
        raise Invalid(name, say("{label} is {range}.", label=word(field.label), range=_range(field.whole_number)))
    return text


def check_environment(house: House) -> None:
    """Raises BadSetting where the environment gives a number that isn't one: found out at the start, not in use."""
    for backend, info in house.host.infos.items():
        given = _environment(house, backend)
        for field in info.settings:
            bounds = field.whole_number
            if bounds is not None and field.name in given and not _is_whole(given[field.name].reveal(), bounds):
                raise BadSetting(_variable(backend, field.name), say("must be {range}", range=_range(bounds)))


def _is_whole(text: str, bounds: tuple[int, int]) -> bool:
    """Digits alone: no sign, no point, no exponent."""
    lowest, highest = bounds
    return text.isascii() and text.isdigit() and len(text) <= DIGITS and lowest <= int(text) <= highest


def _range(bounds: tuple[int, int]) -> Wording:
    lowest, highest = bounds
    return say("a whole number from {lowest:,} to {highest:,}, written in digits alone", lowest=lowest, highest=highest)


def _shown(
    backend: str, field: SettingField, given: Mapping[str, Secret], in_force: Mapping[str, Secret]
) -> SettingShown:
    source = "environment" if field.name in given else "console" if field.name in in_force else ""
    value = in_force[field.name].reveal() if source else field.default
    return SettingShown(
        name=field.name,
        label=field.label,
        help=field.help,
        required=field.required,
        secret=field.secret,
        source=source or ("default" if field.default else ""),
        value="" if field.secret else value,
        variable=_variable(backend, field.name),
        editable=not field.environment_only and source != "environment",
    )


def _environment(house: House, backend: str) -> dict[str, Secret]:
    return {name: value for name, value in house.settings.settings_of(backend).items() if value}


def _rows(session: Session, backend: str) -> list[BackendSetting]:
    return list(session.scalars(sa.select(BackendSetting).where(BackendSetting.backend == backend)))


def _variable(backend: str, name: str) -> str:
    return f"{PLUGIN_PREFIX}{backend}_{name}".upper()


def _place(row_key: str) -> Place:
    return Place(table="backend_settings", column="value_sealed", row_key=row_key)

"""Registering: the journal register of books that are kept here, as a file for the accountant."""

from __future__ import annotations

from contextlib import closing

from partsemble_core.errors import Refused
from partsemble_core.services.addressing import context_of
from partsemble_core.services.house import House
from partsemble_core.store.connections import find_live

FILENAME = "journal-register.csv"


class NoRegister(Refused):
    """The connected books keep their own journals; there is no register here to download."""

    code = "no-register"


def journal_register(house: House, company_id: int) -> bytes:
    """Every journal posted to the register, line by line, as UTF-8 CSV. Raises NoRegister."""
    with house.reading(company_id) as session:
        connection = find_live(session)
    if connection is None or not has_register(house, connection.backend):
        raise NoRegister(
            "No register is kept here: connect the journal register (csv_import), or look into your accounting system."
        )
    ctx = context_of(house, connection)
    with closing(ctx.http):
        return house.host.export_register(connection.backend, ctx)


def has_register(house: House, backend: str) -> bool:
    """Whether this backend keeps its journals with us."""
    return backend in house.host.infos and house.host.has_hook(backend, "export_register")

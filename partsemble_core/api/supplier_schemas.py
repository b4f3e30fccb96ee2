"""What goes in and out of the routes of suppliers and their contacts in the books."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Flag, Number, Strict, Text
from partsemble_core.api.schemas import SupplierOut

Integer, String, Nested = ma.fields.Integer, ma.fields.String, ma.fields.Nested
EXTERNAL_ID = {"description": "The contact's id in the books, as the list of contacts has it."}


class RelationOut(Strict):
    state = String(required=True, metadata={"description": "not linked, pending, linked, gone, conflict or refused."})
    external_id = String(required=True, metadata={"description": "The contact; in a conflict the one in the way."})
    contact_name = String(required=True)
    message = String(required=True)
    connection_id = Integer(required=True, allow_none=True)


class SupplierPage(SupplierOut):
    in_the_books = Nested(RelationOut, required=True)


class SupplierEdit(Strict):
    code = Text()
    name = Text()
    contact = Text()
    email = Text()
    phone = Text()
    is_active = Flag()


class SupplierIds(Strict):
    ids = ma.fields.List(Number(), required=True, validate=ma.validate.Length(min=1, max=500))


class SuppliersChanged(Strict):
    ids = ma.fields.List(Integer(), required=True)


class LinkIn(Strict):
    external_id = Text(required=True, longest=200, metadata=EXTERNAL_ID)


class ChoiceIn(Strict):
    external_id = Text(required=True, longest=200, metadata=EXTERNAL_ID)
    code = Text(load_default="", longest=10, metadata={"description": "Two to four capitals; one is found if empty."})


class ChoicesIn(Strict):
    contacts = ma.fields.List(Nested(ChoiceIn), required=True, validate=ma.validate.Length(max=200))


class ProposalQuery(Strict):
    """Their ids of the contacts, separated by commas."""

    contacts = Text(load_default="")


class ProposalOut(Strict):
    external_id = String(required=True)
    name = String(required=True)
    email = String(required=True)
    code = String(required=True, metadata={"description": "A code that is free."})
    namesake = String(required=True, metadata={"description": "The code of a supplier of this name, or empty."})
    supplier = String(required=True, metadata={"description": "The code of the supplier that it is, or empty."})
    is_gone = Flag(required=True)


class ProposalsOut(Strict):
    rows = ma.fields.List(Nested(ProposalOut), required=True)


class SuppliersOut(Strict):
    rows = ma.fields.List(Nested(SupplierPage), required=True)

"""Settings of accounting systems, of the whole installation. Owner and admin; a secret goes in and never comes out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, act_of, the_house
from partsemble_core.api.fields import Strict
from partsemble_core.services.admitting import MAY_SET_UP
from partsemble_core.services.configuring import LONGEST, change_settings, show_settings

area = Area("backends", "Accounting systems, and what they are told of this installation.")
String, Boolean = ma.fields.String, ma.fields.Boolean


class SettingOut(Strict):
    name = String(required=True)
    label = String(required=True)
    required = Boolean(required=True)
    secret = Boolean(required=True)
    source = String(required=True, metadata={"description": "environment, console, default, or empty: not set."})
    value = String(required=True, metadata={"description": "Empty for a secret."})
    variable = String(required=True, metadata={"description": "The environment variable that wins."})
    editable = Boolean(required=True)


class BackendOut(Strict):
    name = String(required=True)
    title = String(required=True)
    settings = ma.fields.List(ma.fields.Nested(SettingOut), required=True)


class BackendsOut(Strict):
    rows = ma.fields.List(ma.fields.Nested(BackendOut), required=True)


class SettingsIn(Strict):
    values = ma.fields.Dict(
        keys=String(),
        values=String(allow_none=True, validate=ma.validate.Length(max=LONGEST)),
        required=True,
        metadata={"description": "By name; null removes one that was entered here."},
    )


@area.route("GET", "/backends", gives=BackendsOut, roles=MAY_SET_UP)
def list_backends() -> Json:
    """Every accounting system that is loaded, with its settings."""
    return {"rows": [_body(name) for name in sorted(the_house().host.infos)]}


@area.route("PUT", "/backends/<backend>/settings", takes=SettingsIn, gives=BackendOut, roles=MAY_SET_UP)
def put_backend_settings(body: dict[str, Any], backend: str) -> Json:
    """Enters settings, all or none; what isn't named stays."""
    change_settings(the_house(), act_of(), backend, body["values"])
    return _body(backend)


def _body(backend: str) -> Json:
    house = the_house()
    shown = show_settings(house, backend)
    return {
        "name": backend,
        "title": house.host.info(backend).title,
        "settings": [{name: getattr(each, name) for name in SettingOut._declared_fields} for each in shown],
    }

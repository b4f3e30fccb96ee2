"""Webhooks: addresses of the user's own programs that are told of events, and what was sent to them."""

from __future__ import annotations

import json

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from partsemble_core.errors import Conflict, Invalid
from partsemble_core.services.admitting import MAY_SET_UP
from partsemble_core.services.delivering import get_delivery, redeliver
from partsemble_core.services.dialling import PrivateAddress
from partsemble_core.services.noticing import check_unchanged, last_number, subject_of
from partsemble_core.services.subscribing import (
    KINDS,
    add_endpoint,
    change_endpoint,
    endpoints,
    get_endpoint,
    remove_endpoint,
    rotate_secret,
    send_test,
)
from partsemble_core.store.events import DeliveryState, EventEndpoint, EventKind
from partsemble_core.store.session import CompanySession
from partsemble_web import lists
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_house, write
from partsemble_web.speaking import mark

pages = Blueprint("webhooks", __name__, template_folder="templates")
PATH = "/settings/webhooks"
KIND_TITLES = {
    EventKind.BUILD_COMPLETED: (
        mark("A build is completed"),
        mark("Executed, or approved where it had to pass a review."),
    ),
    EventKind.EXPORT_POSTED: (mark("An export is posted"), mark("It is in the books.")),
    EventKind.EXPORT_FAILED: (mark("An export needs somebody"), mark("It waits until a person decides.")),
    EventKind.STOCK_LOW: (
        mark("Stock is low"),
        mark("A product falls to its reorder point or below; once on its way down."),
    ),
}


@pages.before_request
def only_who_sets_up() -> None:
    """An address may hold a secret of its receiver's, so not everybody reads it."""
    require(MAY_SET_UP)


def webhook_name(session: CompanySession, text: str) -> str:
    """Its address. Raises NotFound; the list itself has refused what isn't a number."""
    return get_endpoint(session, int(text)).url


DELIVERIES = lists.ListPage(
    name="event_deliveries",
    template="webhooks/deliveries.html",
    shown=("kind", "host", "created_at", "state", "attempts", "last_status"),
    minor=frozenset({"host", "attempts", "last_status"}),
    links={"kind": lambda row: url_for("webhooks.show_delivery", delivery_id=row["id"])},
    choices={"state": ("State", tuple(DeliveryState)), "kind": ("Event", tuple(EventKind))},
    extra={"webhook": webhook_name},
    subtitles={"state": "problem"},
)
lists.route(pages, DELIVERIES, path=f"{PATH}/deliveries")


@pages.get(PATH)
def show() -> str:
    return render_template("webhooks/webhooks.html", **_page())


@pages.post(PATH)
def add() -> Answer:
    """The secret is shown in this answer and never again, so it isn't redirected."""
    form, kinds = Form.of(request.form, "url"), request.form.getlist("kinds")
    doing, house = act(), the_house()
    try:
        endpoint, secret = write(
            lambda session: add_endpoint(house, session, doing, url=form.values["url"], kinds=kinds)
        )
    except (Invalid, Conflict, PrivateAddress) as error:
        return refused("webhooks/webhooks.html", error, asked="add", **_page(form, kinds))
    return render_template("webhooks/secret.html", webhook=endpoint, secret=secret.reveal(), is_new=True)


@pages.get(f"{PATH}/<id:webhook_id>")
def show_one(webhook_id: int) -> str:
    return render_template("webhooks/webhook.html", **_one(webhook_id))


@pages.post(f"{PATH}/<id:webhook_id>")
def change(webhook_id: int) -> Answer:
    """An event or a switch that isn't sent is off: so browsers send a box that isn't ticked."""
    form, kinds, house = Form.of(request.form, "url"), request.form.getlist("kinds"), the_house()
    page = _one(webhook_id)
    is_active = "is_active" in request.form

    def save(session: CompanySession) -> None:
        check_unchanged(session, subject_of(EventEndpoint, webhook_id), seen=request.form.get("seen"))
        change_endpoint(house, session, webhook_id, url=form.values["url"], kinds=kinds, is_active=is_active)

    try:
        write(save)
    except (Invalid, Conflict, PrivateAddress) as error:
        return refused("webhooks/webhook.html", error, **{**page, "form": form, "chosen": kinds})
    flash(_("Saved."), "success")
    return redirect(url_for("webhooks.show_one", webhook_id=webhook_id), code=303)


@pages.post(f"{PATH}/<id:webhook_id>/rotate")
def rotate(webhook_id: int) -> str:
    """The new secret is shown in this answer and never again."""
    house = the_house()
    endpoint, secret = write(lambda session: rotate_secret(house, session, webhook_id))
    return render_template("webhooks/secret.html", webhook=endpoint, secret=secret.reveal(), is_new=False)


@pages.post(f"{PATH}/<id:webhook_id>/test")
def test(webhook_id: int) -> Answer:
    doing = act()
    delivery = write(lambda session: send_test(session, doing, webhook_id))
    flash(_("A test event is on its way."), "success")
    return redirect(url_for("webhooks.show_delivery", delivery_id=delivery.id), code=303)


@pages.post(f"{PATH}/<id:webhook_id>/remove")
def remove(webhook_id: int) -> Answer:
    write(lambda session: remove_endpoint(session, webhook_id))
    flash(_("Removed. Nothing is sent there any more."), "success")
    return redirect(url_for("webhooks.show"), code=303)


@pages.get(f"{PATH}/deliveries/<id:delivery_id>")
def show_delivery(delivery_id: int) -> str:
    with reading() as session:
        delivery = get_delivery(session, delivery_id)
        webhook = get_endpoint(session, delivery.endpoint_id)
    payload = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
    return render_template("webhooks/delivery.html", delivery=delivery, webhook=webhook, payload=payload)


@pages.post(f"{PATH}/deliveries/<id:delivery_id>/redeliver")
def send_again(delivery_id: int) -> Answer:
    write(lambda session: redeliver(session, delivery_id))
    flash(_("It is sent again."), "success")
    return redirect(url_for("webhooks.show_delivery", delivery_id=delivery_id), code=303)


def _page(form: Form | None = None, kinds: list[str] | None = None) -> dict[str, object]:
    with reading() as session:
        found = endpoints(session)
    chosen = list(KINDS) if kinds is None else kinds
    return {"webhooks": found, "form": form or Form(values={}), "chosen": chosen, "kind_titles": KIND_TITLES}


def _one(webhook_id: int) -> dict[str, object]:
    with reading() as session:
        seen = last_number(session, subject_of(EventEndpoint, webhook_id))
        found: EventEndpoint = get_endpoint(session, webhook_id)
    return {
        "webhook": found,
        "form": Form(values={"url": found.url}),
        "chosen": found.kinds.split(),
        "seen": seen,
        "kind_titles": KIND_TITLES,
    }

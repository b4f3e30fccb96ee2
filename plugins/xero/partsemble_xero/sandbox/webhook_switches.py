"""The switches of webhooks: what is set on Xero's developer pages, and what goes wrong on the way by order."""

from __future__ import annotations

from flask import Blueprint, Response

from . import webhooks
from .admin import AdminRefused, answer_switch, read_fields, refuse_strangers, tenant_of
from .context import Sandbox


class WebhookSwitches:
    """Not among the other switches, for they hold the write lock, and here the app is called."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def blueprint(self) -> Blueprint:
        routes = Blueprint("webhook_switches", __name__, url_prefix="/sandbox/webhooks")
        routes.before_request(refuse_strangers)
        routes.register_error_handler(webhooks.WebhookRefused, _refused)
        routes.register_error_handler(AdminRefused, lambda refusal: answer_switch(refusal.shown, refusal.status))
        routes.add_url_rule("", view_func=self.show, methods=["GET"])
        routes.add_url_rule("", view_func=self.set_up, methods=["POST"])
        routes.add_url_rule("/announce", view_func=self.announce, methods=["POST"])
        routes.add_url_rule("/oddity", view_func=self.order, methods=["POST"])
        return routes

    def show(self) -> Response:
        """The address, how it stands, what waits, and every call so far."""
        with self._sandbox.state.reading() as connection:
            return answer_switch(webhooks.shown(connection), 200)

    def set_up(self) -> Response:
        """``url``, ``categories``: calls it well signed and mis-signed, and keeps it if it tells them apart."""
        url, categories = webhooks.read_set_up(read_fields())
        self._sandbox.sender.set_up(url, categories)
        return self.show()

    def announce(self) -> Response:
        """``tenant_id``, ``category``, ``resource_id``, ``change``: an event, whether or not anything changed."""
        fields = read_fields()
        event = webhooks.read_event(fields)
        with self._sandbox.state.writing() as connection:
            tenant_id = str(fields.get("tenant_id"))
            if not fields.get("is_stranger"):
                tenant_id = tenant_of(connection, tenant_id).tenant_id
            is_told = webhooks.announce(
                connection,
                tenant_id=tenant_id,
                category=event["category"],
                resource_id=event["resource_id"],
                change=event["change"],
                now_ms=self._sandbox.clock.now_ms(connection),
            )
        return answer_switch({"announced": is_told}, 200)

    def order(self) -> Response:
        """``kind``: how the next message goes wrong."""
        fields = read_fields()
        with self._sandbox.state.writing() as connection:
            webhooks.order_oddity(connection, fields.get("kind"))
        return answer_switch({"ordered": fields.get("kind")}, 200)


def _refused(refusal: webhooks.WebhookRefused) -> Response:
    return answer_switch({"error": {"code": refusal.code, "field": refusal.field, "message": refusal.cure}}, 400)

"""Help: what each setting does, in a few words, at an address that the question mark beside it leads to."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, render_template

from partsemble_web.speaking import mark

pages = Blueprint("helping", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True)
class Topic:
    """A page of help; its text is ``help/topics/NAME.html``."""

    name: str
    title: str
    about: str


TOPICS = {
    topic.name: topic
    for topic in (
        Topic("company", mark("Company"), mark("Name, time zone, currency, and who owns the quantities.")),
        Topic("work", mark("How work is done"), mark("Quality review, reservations, expiry, lot order, period lock.")),
        Topic("exports", mark("What goes to the books"), mark("When documents are posted, and to which accounts.")),
        Topic("people", mark("People"), mark("Roles and sign-ins.")),
        Topic("tokens", mark("API tokens"), mark("What programs work with.")),
        Topic("webhooks", mark("Webhooks"), mark("Programs that are told of events.")),
        Topic("backends", mark("Accounting systems"), mark("The app that is registered with them.")),
    )
}


@pages.get("/help")
def show_topics() -> str:
    return render_template("help/topics.html", topics=TOPICS.values())


@pages.get("/help/<topic>")
def show_topic(topic: str) -> str:
    if topic not in TOPICS:
        abort(404)
    return render_template(f"help/topics/{topic}.html")

"""Events arrive at whoever asked for them, signed, at least once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.errors import NotFound, PartsembleError, WrongState
from partsemble_core.services import delivering, dialling
from partsemble_core.services.crashing import watch_crashpoints
from partsemble_core.services.delivering import TRIES, due_endpoints, redeliver, rest_after
from partsemble_core.services.subscribing import (
    change_endpoint,
    remove_endpoint,
    rotate_secret,
    send_test,
)
from partsemble_core.store.database import open_engine
from partsemble_core.store.events import DeliveryState, EventDelivery, EventEndpoint
from tests.servers.receiver import Came, Receiver, a_receiver, answering, say
from tests.servers.waiting import wait_until
from tests.services.hearing import Listened, listened
from tests.services.makers import in_threads, refused


@pytest.fixture
def heard(engine: sa.Engine, tmp_path: Path) -> Listened:
    return listened(engine, tmp_path)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as opened:
        yield opened


def tell_test(heard: Listened, endpoint_id: int) -> EventDelivery:
    return heard.shop.write(lambda session: send_test(session, heard.shop.act, endpoint_id))


def test_an_event_arrives_signed_and_is_settled(heard: Listened, receiver: Receiver) -> None:
    endpoint_id, secret = heard.listen(f"{receiver.url}?key=a%20b")
    tell_test(heard, endpoint_id)
    assert heard.serve(endpoint_id) == 1
    (came,) = receiver.came
    assert came.path == "/hooks?key=a%20b"
    assert came.is_signed_with(secret)
    assert not came.is_signed_with("whsec_" + "A" * 44)
    assert came.headers["content-type"] == "application/json"
    assert abs(int(came.headers["webhook-timestamp"]) - time.time()) < 60
    delivery = heard.deliveries()[0]
    assert came.headers["webhook-id"] == delivery.event_id == came.json["id"]
    assert came.body == delivery.body
    assert (delivery.state, delivery.attempts, delivery.last_status) == (DeliveryState.DELIVERED, 1, 204)
    assert (delivery.problem, delivery.lease_until) == ("", None)
    assert heard.serve(endpoint_id) == 0
    assert len(receiver.came) == 1


def test_what_is_not_taken_is_sent_again_under_the_same_id(heard: Listened, receiver: Receiver) -> None:
    receiver.answer = answering(500, 200)
    endpoint_id, secret = heard.listen(receiver.url)
    tell_test(heard, endpoint_id)
    assert heard.serve(endpoint_id) == 0
    waiting = heard.deliveries()[0]
    assert (waiting.state, waiting.attempts, waiting.last_status) == (DeliveryState.WAITING, 1, 500)
    assert waiting.problem == "The address answered 500."
    assert heard.serve(endpoint_id) == 0, "it rests"
    assert len(receiver.came) == 1
    heard.pass_time()
    assert heard.serve(endpoint_id) == 1
    first, second = receiver.came
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert second.is_signed_with(secret)
    assert heard.deliveries()[0].state == DeliveryState.DELIVERED


def test_rests_double_and_come_to_about_two_days() -> None:
    assert rest_after(1) == dt.timedelta(seconds=5)
    assert rest_after(4) == dt.timedelta(seconds=40)
    assert rest_after(1, jitter=-100) == dt.timedelta(seconds=4.5)
    assert rest_after(1, jitter=100) == dt.timedelta(seconds=5.5)
    whole = sum((rest_after(tries) for tries in range(1, TRIES)), dt.timedelta())
    assert dt.timedelta(hours=45) < whole < dt.timedelta(hours=46)


def test_after_the_last_try_it_is_given_up(heard: Listened, receiver: Receiver) -> None:
    receiver.answer = answering(503)
    endpoint_id, _ = heard.listen(receiver.url)
    tell_test(heard, endpoint_id)
    heard.shop.write(lambda session: session.execute(sa.update(EventDelivery).values(attempts=TRIES - 1)))
    heard.serve(endpoint_id)
    delivery = heard.deliveries()[0]
    assert (delivery.state, delivery.attempts) == (DeliveryState.GIVEN_UP, TRIES)
    assert delivery.ended_at is not None
    heard.pass_time()
    heard.serve(endpoint_id)
    assert len(receiver.came) == 1


def test_gone_switches_the_address_off(heard: Listened, receiver: Receiver) -> None:
    receiver.answer = answering(410)
    endpoint_id, _ = heard.listen(receiver.url)
    tell_test(heard, endpoint_id)
    tell_test(heard, endpoint_id)
    heard.serve(endpoint_id)
    assert not heard.endpoint(endpoint_id).is_active
    assert [d.state for d in heard.deliveries()] == [DeliveryState.GIVEN_UP, DeliveryState.WAITING]
    heard.pass_time()
    assert heard.serve(endpoint_id) == 0
    assert len(receiver.came) == 1
    receiver.answer = answering(200)
    heard.shop.write(lambda session: change_endpoint(heard.house, session, endpoint_id, is_active=True))
    assert heard.serve(endpoint_id) == 1


def test_a_redirect_is_not_followed(heard: Listened, receiver: Receiver) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler, came: Came) -> None:
        say(handler, 307, Location="/elsewhere")

    receiver.answer = elsewhere
    endpoint_id, _ = heard.listen(receiver.url)
    tell_test(heard, endpoint_id)
    assert heard.serve(endpoint_id) == 0
    assert receiver.at("/elsewhere") == []
    assert "leads elsewhere" in heard.deliveries()[0].problem


def test_a_slow_address_keeps_nobody_else_waiting(heard: Listened, receiver: Receiver) -> None:
    let_go = threading.Event()

    def stuck_or_quick(handler: BaseHTTPRequestHandler, came: Came) -> None:
        if came.path == "/stuck":
            let_go.wait(10)
        say(handler, 200)

    receiver.answer = stuck_or_quick
    base = receiver.url.removesuffix("/hooks")
    stuck, _ = heard.listen(f"{base}/stuck")
    quick, _ = heard.listen(f"{base}/quick")
    tell_test(heard, stuck)
    tell_test(heard, stuck)
    with delivering.delivering(heard.house):
        wait_until(lambda: len(receiver.at("/stuck")) == 1, "the slow one is asked")
        for number in range(1, 4):
            tell_test(heard, quick)
            wait_until(lambda number=number: len(receiver.at("/quick")) == number, "the quick one is served")
        assert len(receiver.at("/stuck")) == 1, "one at a time"
        let_go.set()
        wait_until(lambda: len(receiver.at("/stuck")) == 2, "then the next")
    assert {d.state for d in heard.deliveries()} == {DeliveryState.DELIVERED}


def test_two_that_deliver_at_once_send_each_event_once(heard: Listened, receiver: Receiver) -> None:
    endpoint_id, _ = heard.listen(receiver.url)
    for _ in range(12):
        tell_test(heard, endpoint_id)
    in_threads(*[(heard.serve, endpoint_id) for _ in range(4)])
    heard.serve(endpoint_id)
    ids = [came.headers["webhook-id"] for came in receiver.came]
    assert len(ids) == len(set(ids)) == 12


@pytest.mark.parametrize(("point", "sent"), [("delivering.before_send", 0), ("delivering.before_settle", 1)])
def test_who_is_killed_on_the_way_leaves_it_to_be_sent_again_under_the_same_id(
    heard: Listened, receiver: Receiver, point: str, sent: int
) -> None:
    endpoint_id, secret = heard.listen(receiver.url)
    tell_test(heard, endpoint_id)
    heard.house.engine.dispose()
    child = os.fork()
    if child == 0:  # nothing of the test runner may run here
        _serve_and_die(heard, endpoint_id, point)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert len(receiver.came) == sent
    left = heard.deliveries()[0]
    assert (left.state, left.attempts) == (DeliveryState.WAITING, 1)
    assert heard.serve(endpoint_id) == 0, "its lease still holds"
    heard.pass_time()
    assert heard.serve(endpoint_id) == 1
    assert len(receiver.came) == sent + 1
    assert len({(came.headers["webhook-id"], came.body) for came in receiver.came}) == 1
    assert receiver.came[-1].is_signed_with(secret)
    settled = heard.deliveries()[0]
    assert (settled.state, settled.attempts) == (DeliveryState.DELIVERED, 2)


def _serve_and_die(heard: Listened, endpoint_id: int, point: str) -> None:
    def watch(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        engine = open_engine(heard.house.settings.database_url)
        again = dataclasses.replace(heard, house=dataclasses.replace(heard.house, engine=engine))
        with watch_crashpoints(watch):
            again.serve(endpoint_id)
    finally:
        os._exit(1)


@pytest.mark.parametrize(("status", "state"), [(200, DeliveryState.DELIVERED), (503, DeliveryState.WAITING)])
def test_a_late_answer_of_an_older_claim_changes_nothing(
    heard: Listened, receiver: Receiver, status: int, state: DeliveryState
) -> None:
    endpoint_id, _ = heard.listen(receiver.url)
    tell_test(heard, endpoint_id)

    def overtaken(handler: BaseHTTPRequestHandler, came: Came) -> None:
        if len(receiver.came) == 1:
            heard.pass_time()
            heard.serve(endpoint_id)
            say(handler, 500)
        else:
            say(handler, status)

    receiver.answer = overtaken
    heard.serve(endpoint_id)
    delivery = heard.deliveries()[0]
    assert (delivery.state, delivery.last_status, delivery.attempts) == (state, status, 2)


def test_a_delivery_is_sent_again_when_somebody_asks(heard: Listened, receiver: Receiver) -> None:
    endpoint_id, _ = heard.listen(receiver.url)
    delivery = tell_test(heard, endpoint_id)
    heard.serve(endpoint_id)
    heard.shop.write(lambda session: redeliver(session, delivery.id))
    assert heard.serve(endpoint_id) == 1
    assert len({came.headers["webhook-id"] for came in receiver.came}) == 1
    assert len(receiver.came) == 2
    heard.shop.write(lambda session: change_endpoint(heard.house, session, endpoint_id, is_active=False))
    with refused(heard.shop, WrongState, "wrong-state"):
        heard.shop.write(lambda session: redeliver(session, delivery.id))
    with refused(heard.shop, NotFound, "not-found"):
        heard.shop.write(lambda session: redeliver(session, 10**15))


def test_what_is_being_sent_is_not_sent_again_meanwhile(heard: Listened, receiver: Receiver) -> None:
    endpoint_id, _ = heard.listen(receiver.url)
    delivery = tell_test(heard, endpoint_id)
    answers: list[object] = []

    def ask(handler: BaseHTTPRequestHandler, came: Came) -> None:
        try:
            heard.shop.write(lambda session: redeliver(session, delivery.id))
        except PartsembleError as error:
            answers.append(error.code)
        say(handler, 200)

    receiver.answer = ask
    heard.serve(endpoint_id)
    assert answers == ["wrong-state"]


def test_a_removed_address_while_it_is_told_breaks_nothing(heard: Listened, receiver: Receiver) -> None:
    endpoint_id, _ = heard.listen(receiver.url)
    tell_test(heard, endpoint_id)

    def remove(handler: BaseHTTPRequestHandler, came: Came) -> None:
        heard.shop.write(lambda session: remove_endpoint(session, endpoint_id))
        say(handler, 200)

    receiver.answer = remove
    heard.serve(endpoint_id)
    assert heard.deliveries() == []


def test_a_new_secret_signs_from_then_on(heard: Listened, receiver: Receiver) -> None:
    endpoint_id, old = heard.listen(receiver.url)
    _, new = heard.shop.write(lambda session: rotate_secret(heard.house, session, endpoint_id))
    tell_test(heard, endpoint_id)
    heard.serve(endpoint_id)
    assert receiver.came[0].is_signed_with(new.reveal())
    assert not receiver.came[0].is_signed_with(old)


def test_a_secret_is_nowhere_to_be_read(heard: Listened, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answer = answering(500)
    endpoint_id, secret = heard.listen(receiver.url)
    tell_test(heard, endpoint_id)
    heard.serve(endpoint_id)
    endpoint, delivery = heard.endpoint(endpoint_id), heard.deliveries()[0]
    parcel = delivering.Parcel(
        delivery_id=1,
        endpoint_id=1,
        event_id="e",
        url="u",
        secret=dialling.Secret(secret),
        body=b"",
        lease_until=dt.datetime.now(dt.UTC),
        attempts=1,
    )
    seen = caplog.text + repr(endpoint) + repr(vars(endpoint)) + repr(vars(delivery)) + repr(parcel)
    assert secret.removeprefix("whsec_") not in seen
    other = listened(heard.house.engine, heard.house.settings.data_dir)
    moved = sa.update(EventEndpoint).values(secret_sealed=endpoint.secret_sealed)
    other_id, _ = other.listen(receiver.url)
    tell_test(other, other_id)
    other.shop.write(lambda session: session.execute(moved))
    assert other.serve(other_id) == 0, "a seal that was moved opens nothing"
    assert "changed or moved" in caplog.text


def test_what_breaks_at_one_address_stops_nobody(
    heard: Listened, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, _ = heard.listen(receiver.url + "/broken")
    sound, _ = heard.listen(receiver.url)
    broken_seal = sa.update(EventEndpoint).where(EventEndpoint.id == broken).values(secret_sealed="v9.x.y")
    heard.shop.write(lambda session: session.execute(broken_seal))
    tell_test(heard, broken)
    tell_test(heard, sound)
    with delivering.delivering(heard.house):
        wait_until(lambda: len(receiver.came) == 1, "the sound one is served")
    assert (heard.shop.company_id, broken) in due_endpoints(heard.house)

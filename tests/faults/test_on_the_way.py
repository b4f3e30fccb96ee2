"""What happens to answers on their way from Xero to us: limits of every kind, drips, bombs, detours, odd clocks."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import functools
import gzip
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core import config
from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.http import Http, TimeOuts
from partsemble_core.store.connections import ConnectionState
from partsemble_core.wiring import utc_now
from tests.faults.middleman import Middleman, Mishap, Quiet, a_middleman
from tests.faults.test_xero_faults import assert_in_the_books_once, settle, tidy
from tests.faults.xero_stage import XeroStage, a_xero_stage

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CREATE = "POST /api.xro/2.0/ManualJournals"
POST = "POST /api.xro/2.0/ManualJournals/*"
ANY = "* /api.xro/2.0/*"
STEPS = pytest.mark.parametrize("step", [CREATE, POST], ids=["create", "post"])
DAY = dt.timedelta(days=1)


@pytest.fixture
def direct(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as made:
        made.connect()
        yield made


@pytest.fixture
def man(direct: XeroStage) -> Iterator[Middleman]:
    with a_middleman(direct.sandbox.address) as found:
        yield found


@pytest.fixture
def stage(direct: XeroStage, man: Middleman) -> XeroStage:
    return reached_at(direct, man.address)


def reached_at(stage: XeroStage, address: str) -> XeroStage:
    """The same, but Xero's API is at another address."""
    known = config.environment_of(stage.house.settings)
    settings = config.load({**known, "PARTSEMBLE_PLUGIN_XERO_API_URL": address}, data_dir=stage.house.settings.data_dir)
    return dataclasses.replace(stage, house=dataclasses.replace(stage.house, settings=settings))


def http_date(at: dt.datetime) -> str:
    return email.utils.format_datetime(at, usegmt=True)


LIMITS: dict[str, tuple[dict[str, Any], int]] = {
    "minute": ({"X-Rate-Limit-Problem": "minute", "Retry-After": "17"}, 17),
    "minute, no time": ({"X-Rate-Limit-Problem": "minute"}, 60),
    "day": ({"X-Rate-Limit-Problem": "day", "Retry-After": "86400"}, 86_400),
    "concurrent": ({"X-Rate-Limit-Problem": "concurrent"}, 2),
    "app": ({"X-Rate-Limit-Problem": "appminute", "Retry-After": "30"}, 30),
    "a date": ({"Retry-After": dt.timedelta(seconds=90)}, 90),
    "a date gone by": ({"Retry-After": dt.timedelta(seconds=-90)}, 1),
    "nothing": ({"Retry-After": "0"}, 1),
    "less than nothing": ({"Retry-After": "-5"}, 60),
    "words": ({"Retry-After": "soon"}, 60),
    "for ever": ({"Retry-After": "9" * 30}, 7 * 86_400),
}


@STEPS
@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_waited_for_and_costs_nothing(stage: XeroStage, man: Middleman, step: str, name: str) -> None:
    """F7. Until the time is over nothing of the organisation is sent at all."""
    export_id, other = stage.queue(), stage.queue()
    given, seconds = LIMITS[name]
    headers = {k: http_date(utc_now() + v) if isinstance(v, dt.timedelta) else v for k, v in given.items()}
    man.plan(Mishap(match=step, is_applied=False, status=429, headers=headers))
    asked = utc_now()
    stage.post(export_id)
    paused = stage.connection().paused_until
    assert paused is not None
    assert abs((paused - asked).total_seconds() - seconds) < 30 if seconds > 2 else paused <= utc_now() + 3 * SECOND
    if seconds > 2:
        seen = len(man.seen)
        stage.post(export_id)
        stage.post(other)
        assert len(man.seen) == seen
    stage.age()
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


SECOND = dt.timedelta(seconds=1)


@pytest.mark.parametrize("off", [DAY, -DAY], ids=["a day ahead", "a day behind"])
def test_a_time_to_wait_is_read_by_the_clock_that_wrote_it(stage: XeroStage, man: Middleman, off: dt.timedelta) -> None:
    """F22: their clock is wrong, and the difference between two of its times is right."""
    export_id = stage.queue()
    theirs = utc_now() + off
    headers = {"Date": http_date(theirs), "Retry-After": http_date(theirs + 90 * SECOND)}
    man.plan(Mishap(match=CREATE, is_applied=False, status=429, headers=headers))
    stage.post(export_id)
    paused = stage.connection().paused_until
    assert paused is not None
    assert 60 < (paused - utc_now()).total_seconds() <= 90


@pytest.mark.parametrize("off", [DAY, -DAY], ids=["a day ahead", "a day behind"])
def test_a_clock_that_is_wrong_changes_nothing(stage: XeroStage, man: Middleman, off: dt.timedelta) -> None:
    """F22: leases, rests and dates go by our database's clock."""
    export_id = stage.queue()
    man.plan(Mishap(match=ANY, headers={"Date": http_date(utc_now() + off)}, times=20))
    stage.sandbox.add_fault(CREATE, kind="close-after")
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


@STEPS
def test_an_answer_that_comes_byte_by_byte_is_given_up_and_looked_up(
    stage: XeroStage, man: Middleman, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """F8: no read ever waits for long, and yet it all ends at a deadline."""
    impatient = functools.partial(Http, time_outs=TimeOuts(connect=5, read=5, total=2))
    monkeypatch.setattr("partsemble_core.services.addressing.Http", impatient)
    export_id, over = stage.queue(), threading.Event()

    def drip(body: bytes) -> Iterator[bytes]:
        for byte in body:
            yield bytes([byte])
            over.wait(0.2)

    man.plan(Mishap(match=step, pieces=drip))
    stage.post(export_id)
    assert stage.export(export_id).state == ExportState.UNKNOWN
    over.set()
    stage.age()
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


@STEPS
def test_a_bomb_is_not_unpacked(stage: XeroStage, man: Middleman, step: str) -> None:
    """F9: half a megabyte that would be half a gigabyte."""
    bomb = gzip.compress(b" " * 1_000_000) * 512
    man.plan(Mishap(match=step, headers={"Content-Encoding": "gzip"}, pieces=lambda body: [bomb]))
    export_id = stage.queue()
    tracemalloc.start()
    stage.post(export_id)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000_000
    assert stage.export(export_id).state == ExportState.UNKNOWN
    stage.age()
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another server, and what comes to it."""
    came: list[str] = []

    class Handler(Quiet):
        def answer(self) -> None:
            came.append(str(self.headers.get("Authorization")))
            self.send_error(500)

        do_GET = do_POST = answer

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", came
        server.shutdown()


@STEPS
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_no_token_anywhere(
    stage: XeroStage, man: Middleman, elsewhere: tuple[str, list[str]], step: str, status: int
) -> None:
    """F10."""
    address, came = elsewhere
    export_id = stage.queue()
    man.plan(Mishap(match=step, status=status, headers={"Location": address}))
    assert settle(stage, export_id) == ExportState.POSTED
    assert came == []
    tidy(stage)
    assert_in_the_books_once(stage, export_id)


def test_a_line_that_is_not_tls_sends_nothing_and_costs_nothing(stage: XeroStage, man: Middleman) -> None:
    """F10: surely not sent, so no doubt and no look-up; it goes out once the way is right."""
    export_id = stage.queue()
    wrong = reached_at(stage, man.address.replace("http:", "https:"))
    wrong.post(export_id)
    assert stage.export(export_id).state == ExportState.PENDING
    assert man.seen == []
    stage.age()
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


def test_a_name_that_leads_nowhere_sends_nothing_and_costs_nothing(
    stage: XeroStage, man: Middleman, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F10."""
    export_id = stage.queue()
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **more: Any) -> Any:
        if host == "api.books.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    reached_at(stage, "https://api.books.example").post(export_id)
    assert stage.export(export_id).state == ExportState.PENDING
    stage.age()
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


ACCESS: dict[str, tuple[int, dict[str, str]]] = {
    "F14 the token": (401, {}),
    "F14 the scope": (401, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}),
    "F15 the organisation": (403, {}),
}


@STEPS
@pytest.mark.parametrize("name", ACCESS)
def test_access_refused_for_ever_waits_for_a_person_and_loses_nothing(
    stage: XeroStage, man: Middleman, step: str, name: str
) -> None:
    export_id = stage.queue()
    status, headers = ACCESS[name]
    man.plan(Mishap(match=step, is_applied=False, status=status, headers=headers, times=2))
    stage.post(export_id)
    assert stage.connection().state == ConnectionState.RECONNECT_NEEDED
    seen = len(man.seen)
    stage.age()
    stage.post(export_id)
    assert len(man.seen) == seen, "nothing is sent until somebody signs in"
    man.planned.clear()
    stage.connect()
    stage.age()
    assert settle(stage, export_id) == ExportState.POSTED
    assert_in_the_books_once(stage, export_id)


@STEPS
def test_a_token_refused_once_is_renewed_and_the_call_goes_out(stage: XeroStage, man: Middleman, step: str) -> None:
    """F14."""
    export_id = stage.queue()
    man.plan(Mishap(match=step, is_applied=False, status=401))
    assert stage.post(export_id) == ExportState.POSTED
    assert len(stage.token_sets()) == 2
    assert_in_the_books_once(stage, export_id)

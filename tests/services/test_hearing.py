"""What the books tell by themselves: kept once, whatever order it comes in, and answered by as few syncs as will do."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api import NotGenuine, Unsupported
from partsemble_core.plugin_host import UnknownBackend
from partsemble_core.services import connecting
from partsemble_core.services.answering import KEPT, TRIES, answer, answer_waiting, forget_old, listening_of
from partsemble_core.services.hearing import hear
from partsemble_core.services.scheduling import clear_schedule, set_schedule
from partsemble_core.services.syncing import work_on
from partsemble_core.store.connections import Connection
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.hearing import HeardEvent, HeardMessage
from partsemble_core.store.syncs import SyncRun
from partsemble_core.wiring import utc_now
from tests.faults.stage import an_engine
from tests.services.makers import Shop, a_shop, in_threads
from tests.services.shelf import Shelf, a_shelf
from tests.services.telling_books import GENUINE, ORGANISATION, TellingShelf, a_message, an_event


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    with an_engine(database_url) as opened:
        yield opened


@pytest.fixture
def shelf(engine: sa.Engine, tmp_path: Path) -> Shelf:
    return a_shelf(engine, tmp_path, TellingShelf())


def tell(shelf: Shelf, *events: dict[str, str], first: int | None = None) -> bytes:
    body = a_message(*events, first=first)
    hear(shelf.house, "qbo_stub", headers=GENUINE, body=body)
    return body


def events(shelf: Shelf) -> list[HeardEvent]:
    return shelf.shop.rows(sa.select(HeardEvent).order_by(HeardEvent.id))


def states(shelf: Shelf) -> list[str]:
    return [event.state for event in events(shelf)]


def messages(shelf: Shelf) -> list[HeardMessage]:
    with reading_anywhere(shelf.shop.engine) as session:
        return list(session.scalars(sa.select(HeardMessage).order_by(HeardMessage.id)))


def answered(shelf: Shelf) -> list[SyncRun]:
    """The sweep and the worker do what they do; the runs that were begun."""
    before = {run.id for run in shelf.runs()}
    answer_waiting(shelf.house)
    begun = [run.id for run in shelf.runs() if run.id not in before]
    return [work_on(shelf.house, shelf.company_id, run_id) for run_id in begun]


def pass_time(shelf: Shelf, *, minutes: int = 10) -> None:
    """So long ago was everything that ever ran."""
    past = utc_now() - dt.timedelta(minutes=minutes)
    shelf.update(sa.update(SyncRun).values(started_at=past))
    shelf.update(sa.update(SyncRun).where(SyncRun.ended_at.is_not(None)).values(ended_at=past))


def test_an_event_is_kept_with_its_message_and_answered_by_a_sync(shelf: Shelf) -> None:
    rung: list[tuple[int, int]] = []
    house = dataclasses.replace(shelf.house, ring_heard=lambda *ids: rung.append(ids) is None)
    body = a_message(an_event(), first=7)
    hear(house, "qbo_stub", headers=GENUINE, body=body)
    (message,) = messages(shelf)
    assert (message.body, message.first_sequence, message.last_sequence, message.events) == (body, 7, 7, 1)
    assert rung == [(shelf.company_id, shelf.connection_id)]
    assert states(shelf) == ["waiting"]
    (run,) = answered(shelf)
    assert (run.kind, run.cause, run.state, run.records) == ("contacts", "hook", "done", 1)
    assert run.started_by.startswith("a webhook of ")
    assert answered(shelf) == []
    assert states(shelf) == ["answered"]


def test_the_worker_finds_what_waits_and_rings_for_its_sync(shelf: Shelf) -> None:
    tell(shelf, an_event())
    rung: list[tuple[int, int]] = []
    house = dataclasses.replace(shelf.house, ring_sync=lambda *ids: rung.append(ids) is None)
    begun = answer(house, shelf.company_id, shelf.connection_id)
    assert rung == [(shelf.company_id, run_id) for run_id in begun]
    assert len(begun) == 1
    assert answer(house, shelf.company_id, shelf.connection_id) == [], "it is on its way"


def test_what_is_not_genuine_leaves_no_trace(shelf: Shelf) -> None:
    with pytest.raises(NotGenuine):
        hear(shelf.house, "qbo_stub", headers={"signature": "bad"}, body=a_message(an_event()))
    assert messages(shelf) == []
    assert events(shelf) == []
    assert shelf.connection().heard_since is None


@pytest.mark.parametrize(("backend", "error"), [("nobody", UnknownBackend), ("qbo_stub", Unsupported)])
def test_books_that_tell_nothing_have_no_door(
    engine: sa.Engine, tmp_path: Path, backend: str, error: type[PartsembleError]
) -> None:
    silent = a_shelf(engine, tmp_path)
    with pytest.raises(error):
        hear(silent.house, backend, headers=GENUINE, body=a_message())


def test_a_repetition_is_harmless_however_it_comes(shelf: Shelf) -> None:
    body = tell(shelf, an_event())
    for _ in range(20):
        assert hear(shelf.house, "qbo_stub", headers=GENUINE, body=body).is_repeated
    tell(shelf, an_event(), an_event(), an_event(change="CREATE"))
    assert len(messages(shelf)) == 2
    assert [event.change for event in events(shelf)] == ["UPDATE", "CREATE"]
    assert len(answered(shelf)) == 1


def test_the_same_message_in_two_processes_is_kept_once(shelf: Shelf) -> None:
    body = a_message(an_event(), an_event(resource_id="c-2"))
    in_threads(*[(lambda: hear(shelf.house, "qbo_stub", headers=GENUINE, body=body),)] * 4)
    assert len(messages(shelf)) == 1
    assert len(events(shelf)) == 2


def test_a_burst_is_answered_by_two_syncs(shelf: Shelf) -> None:
    """One at once; one more for all that came while it ran and just after."""
    tell(shelf, an_event(resource_id="first"))
    answer_waiting(shelf.house)
    for number in range(50):
        tell(shelf, an_event(resource_id=f"c-{number}"))
        answer_waiting(shelf.house)
    (run,) = shelf.runs()
    work_on(shelf.house, shelf.company_id, run.id)
    assert answered(shelf) == [], "it has to be quiet for two minutes"
    assert states(shelf).count("waiting") == 50
    pass_time(shelf)
    assert [each.state for each in answered(shelf)] == ["done"]
    answer_waiting(shelf.house)
    assert set(states(shelf)) == {"answered"}
    assert len(shelf.runs()) == 2


def test_what_came_while_a_sync_ran_is_not_answered_by_it(shelf: Shelf) -> None:
    """It may have read that page before the change."""
    shelf.sync("contacts")
    pass_time(shelf)
    tell(shelf, an_event())
    answer_waiting(shelf.house)
    tell(shelf, an_event(resource_id="late"))
    work_on(shelf.house, shelf.company_id, shelf.runs()[-1].id)
    answer_waiting(shelf.house)
    assert {event.resource_id: event.state for event in events(shelf)} == {"c-1": "answered", "late": "waiting"}


def test_order_does_not_matter(shelf: Shelf) -> None:
    for number in (3, 1, 2):
        tell(shelf, an_event(resource_id=f"c-{number}"), first=None)
    assert len(answered(shelf)) == 1
    answer_waiting(shelf.house)
    assert states(shelf) == ["answered"] * 3


def test_a_stranger_and_what_is_not_read_begin_nothing(shelf: Shelf) -> None:
    tell(shelf, an_event(organisation_id="elsewhere"), an_event(organisation_id=""))
    assert events(shelf) == []
    assert messages(shelf)[0].strangers == 2
    tell(shelf, an_event(subject="sales", category="INVOICE"), an_event(subject="other", category="NEWS"))
    assert [(event.category, event.state) for event in events(shelf)] == [("INVOICE", "ignored"), ("NEWS", "ignored")]
    assert answered(shelf) == []


def test_a_message_is_split_among_the_companies_that_it_is_about(shelf: Shelf) -> None:
    """Two companies may be connected to one organisation; neither sees what the other is told."""
    other = a_shop(shelf.shop.engine, currency="USD")
    connecting.choose(shelf.house, other.act, other.company_id, backend="qbo_stub", organisation_id=ORGANISATION)
    third = a_shop(shelf.shop.engine, currency="USD")
    tell(shelf, an_event(), an_event(organisation_id="elsewhere"))

    def told(shop: Shop) -> int:
        return len(shop.rows(sa.select(HeardEvent)))

    assert (told(shelf.shop), told(other), told(third)) == (1, 1, 0)
    assert answer_waiting(shelf.house) == 2


def test_a_missing_number_makes_everything_be_read(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    tell(shelf, an_event(subject="other"), first=10)
    tell(shelf, an_event(subject="other", resource_id="b"), first=11)
    assert answered(shelf) == []
    tell(shelf, an_event(subject="other", resource_id="c"), first=14)
    (gap,) = [event for event in events(shelf) if event.category == "gap"]
    assert (gap.subject, gap.state, gap.change) == ("contacts", "waiting", "messages 12 to 13 never came")
    assert [run.kind for run in answered(shelf)] == ["contacts"]
    assert any("12 to 13" in record.getMessage() for record in caplog.records)
    tell(shelf, an_event(subject="other", resource_id="d"), first=12)
    tell(shelf, an_event(subject="other", resource_id="e"), first=1)
    tell(shelf, an_event(subject="other", resource_id="f"), first=2)
    assert len([event for event in events(shelf) if event.category == "gap"]) == 1, "late, and begun anew, is no gap"


def test_setting_up_webhooks_begins_an_hourly_poll(shelf: Shelf) -> None:
    assert shelf.schedules() == []
    tell(shelf)
    assert [(s.kind, s.every_minutes) for s in shelf.schedules()] == [("contacts", 60)]
    assert shelf.connection().heard_since is not None
    shelf.shop.write(lambda session: clear_schedule(session, connection_id=shelf.connection_id, kind="contacts"))
    tell(shelf, an_event())
    assert shelf.schedules() == [], "who took it away doesn't get it back"


def test_a_poll_that_somebody_set_stays_as_it_is(shelf: Shelf) -> None:
    shelf.shop.write(
        lambda session: set_schedule(session, connection_id=shelf.connection_id, kind="contacts", every="1d")
    )
    tell(shelf)
    assert [(s.kind, s.every_minutes) for s in shelf.schedules()] == [("contacts", 1440)]


def test_a_sync_that_failed_is_tried_again_a_few_times(shelf: Shelf) -> None:
    tell(shelf, an_event())
    assert isinstance(shelf.backend, TellingShelf)
    shelf.backend.contacts = None  # it raises Unsupported
    for tried in range(1, TRIES + 1):
        assert [run.state for run in answered(shelf)] == ["failed"], tried
        assert answered(shelf) == [], "it rests first"
        pass_time(shelf)
    assert answered(shelf) == []
    assert states(shelf) == ["left"]
    assert len(shelf.runs()) == TRIES


@pytest.mark.parametrize("change", ["state = 'disconnected'", "state = 'reconnect_needed'", "paused_until = :later"])
def test_a_connection_that_waits_is_left_alone(shelf: Shelf, change: str) -> None:
    tell(shelf, an_event())
    later = {"later": utc_now() + dt.timedelta(hours=1)} if ":" in change else {}
    shelf.update(sa.text(f"UPDATE connections SET {change}").bindparams(**later))  # type: ignore[arg-type]
    assert answered(shelf) == []
    assert states(shelf) == ["waiting"]
    assert answer(shelf.house, shelf.company_id, shelf.connection_id) == []
    shelf.update(sa.update(Connection).values(state="active", paused_until=None))
    assert [run.state for run in answered(shelf)] == ["done"]


def test_an_ended_connection_hears_nothing(shelf: Shelf) -> None:
    shelf.update(sa.update(Connection).values(state="disconnected"))
    tell(shelf, an_event())
    assert events(shelf) == []
    assert messages(shelf)[0].strangers == 1


def test_what_is_a_month_old_is_forgotten(shelf: Shelf) -> None:
    tell(shelf, an_event())
    assert forget_old(shelf.house) == 0
    past = utc_now() - KEPT - dt.timedelta(minutes=1)
    shelf.update(sa.update(HeardMessage).values(received_at=past))
    shelf.update(sa.update(HeardEvent).values(heard_at=past))
    tell(shelf, an_event(resource_id="new"))
    assert forget_old(shelf.house) == 1
    assert [event.resource_id for event in events(shelf)] == ["new"]


def test_letters_that_no_database_keeps_are_left_out(shelf: Shelf) -> None:
    tell(shelf, an_event(resource_id="a\x00b\ud800" + "c" * 500, category="\x00"))
    (event,) = events(shelf)
    assert event.resource_id.startswith("ab")
    assert len(event.resource_id) == 200


def test_how_it_stands_is_told(shelf: Shelf) -> None:
    def stand() -> tuple[bool, bool, bool, int]:
        with shelf.house.reading(shelf.company_id) as session:
            found = listening_of(shelf.house, session, shelf.connection())
        assert found is not None
        assert found.address == f"{shelf.house.settings.base_url}/webhooks/qbo_stub"
        return found.has_key, found.last_message_at is not None, found.last_event_at is not None, found.waiting

    assert stand() == (False, False, False, 0)
    tell(shelf)
    assert stand() == (False, True, False, 0)
    tell(shelf, an_event())
    assert stand() == (False, True, True, 1)

"""Where the reading of sales stands: no document is left out, however they change between the pages."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partsemble_xero.sales_cursor import LISTS, Seen, after_page, first_place, read_cursor, write_cursor

START = dt.datetime(2026, 10, 5, 9, 0, tzinfo=dt.UTC)


class Books:
    """Xero's two lists as far as paging is concerned: time of change by document. Each change takes a moment."""

    def __init__(self, made: dict[str, list[int]], *, at_once: int) -> None:
        self.now = START + dt.timedelta(hours=1)
        self.at_once = at_once
        self.lists = {
            name: {f"{name}-{n}": START + dt.timedelta(milliseconds=ms) for n, ms in enumerate(made[name])}
            for name in LISTS
        }

    def touch(self, name: str, external_id: str) -> None:
        self.now += dt.timedelta(milliseconds=50)
        self.lists[name][external_id] = self.now

    def page(self, name: str, since: dt.datetime | None, number: int) -> tuple[list[Seen], bool]:
        found = sorted(
            (moment, external_id)
            for external_id, moment in self.lists[name].items()
            if since is None or moment >= since - dt.timedelta(seconds=1)
        )
        first = (number - 1) * self.at_once
        shown = [Seen(external_id=external_id, changed_at=moment) for moment, external_id in found]
        return shown[first : first + self.at_once], first + self.at_once < len(shown)


def read_through(books: Books, touches: list[int], *, cursor: str | None = None) -> tuple[dict[str, dt.datetime], str]:
    """Reads to the end; before each page one of the documents may change. The last version of each that was read."""
    read: dict[str, dt.datetime] = {}
    for number in range(10_000):
        if number < len(touches):
            ids = [(name, each) for name in LISTS for each in sorted(books.lists[name])]
            if touches[number] and ids:
                books.touch(*ids[touches[number] % len(ids)])
        place = read_cursor(cursor)
        seen, more = books.page(place.reading, place.current.since, place.current.page)
        read |= {each.external_id: each.changed_at for each in seen}
        place, has_more = after_page(place, seen, more=more, read_at=books.now)
        assert write_cursor(place) != cursor or not has_more, "the cursor goes on"
        cursor = write_cursor(place)
        if not has_more:
            return read, cursor
    pytest.fail("the reading doesn't end")


def everything(books: Books) -> dict[str, dt.datetime]:
    return {external_id: moment for name in LISTS for external_id, moment in books.lists[name].items()}


MOMENTS = st.lists(st.sampled_from([0, 1, 400, 999, 1000, 1001, 5000, 5001, 900_000]), max_size=25)


@settings(max_examples=300, deadline=None)
@given(
    invoices=MOMENTS,
    notes=st.lists(st.sampled_from([0, 500, 1000]), max_size=6),
    at_once=st.integers(1, 4),
    touches=st.lists(st.integers(0, 60), max_size=40),
)
def test_none_is_left_out_when_they_change_between_the_pages(
    invoices: list[int], notes: list[int], at_once: int, touches: list[int]
) -> None:
    books = Books({"Invoices": invoices, "CreditNotes": notes}, at_once=at_once)
    began = books.now
    read, cursor = read_through(books, touches)
    missed = everything(books).keys() - read.keys()
    assert all(everything(books)[each] > began for each in missed), "only what kept changing while it was read"
    # What changed behind the reading comes with the next one, and so does all that changes later.
    later, cursor = read_through(books, touches[:5], cursor=cursor)
    last, _ = read_through(books, [], cursor=cursor)
    assert {**read, **later, **last} == everything(books)


def test_many_of_one_second_are_read_until_two_readings_agree() -> None:
    """With page numbers alone the sixth would slip to the page before it when the first changes."""
    books = Books({"Invoices": [0] * 9, "CreditNotes": []}, at_once=3)
    read, _ = read_through(books, [0, 0, 1])
    assert read.keys() == everything(books).keys()


def test_what_follows_a_second_of_many_pages_does_not_slip_through_with_it() -> None:
    """The second is the same in two readings, and the next one's only document moved up a page meanwhile."""
    books = Books({"Invoices": [1001, 1000, 1], "CreditNotes": []}, at_once=1)
    read, _ = read_through(books, [0, 0, 0, 4, 2])
    assert read.keys() == everything(books).keys()


@pytest.mark.parametrize(
    "cursor", [None, "", "x", "{}", "[]", '{"v":2}', '{"v":1,"reading":"Bills"}', '{"v":1,"reading":"Invoices"}']
)
def test_a_cursor_that_can_not_be_read_begins_again(cursor: str | None) -> None:
    assert read_cursor(cursor) == first_place()


def test_a_cursor_comes_back_as_it_was_and_is_short() -> None:
    seen = [Seen(external_id="a", changed_at=START)]
    place, _ = after_page(first_place(), seen, more=True, read_at=START)
    assert read_cursor(write_cursor(place)) == place
    assert len(write_cursor(place)) < 500


def test_a_clock_that_runs_ahead_hides_nothing_that_changes_now() -> None:
    ahead = Seen(external_id="a", changed_at=START + dt.timedelta(days=30))
    place, has_more = after_page(first_place(), [ahead], more=False, read_at=START)
    place, has_more = after_page(place, [], more=False, read_at=START)
    assert not has_more
    assert place.lists["Invoices"].since == START - dt.timedelta(minutes=10)

"""The append-only store that a backend without a service of its own keeps its journals in."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from partsemble_core.plugin_api.errors import KeyReused
from partsemble_core.plugin_api.types import Record
from partsemble_core.services.recording import ConnectionRecords
from partsemble_core.store.connections import BackendRecord
from tests.services.makers import NOW, Shop, a_shop, connect, in_threads


@pytest.fixture
def records(shop: Shop) -> ConnectionRecords:
    return records_of(shop)


def records_of(shop: Shop) -> ConnectionRecords:
    connection = connect(shop, roles=[])
    return ConnectionRecords(
        engine=shop.engine, company_id=shop.company_id, connection_id=connection.id, now=lambda: NOW
    )


def test_a_record_is_found_again_as_it_was_stored(records: ConnectionRecords) -> None:
    body = {"lines": [{"amount": "12.50"}], "note": "café", "posted": True, "count": 3, "none": None}
    stored = records.append("journal", "key-1", body)
    assert stored == Record(kind="journal", key="key-1", sequence=1, body=body, recorded_at=NOW)
    assert records.find("journal", "key-1") == stored
    assert records.find("journal", "key-2") is None
    assert records.find("draft", "key-1") is None


def test_the_same_again_is_the_first_one(records: ConnectionRecords) -> None:
    first = records.append("journal", "key-1", {"a": "1"})
    assert records.append("journal", "key-1", {"a": "1"}) == first
    assert len(records.records("journal")) == 1


def test_another_body_under_a_used_key_is_refused_and_changes_nothing(records: ConnectionRecords) -> None:
    first = records.append("journal", "key-1", {"a": "1"})
    with pytest.raises(KeyReused, match="key-1"):
        records.append("journal", "key-1", {"a": "2"})
    assert records.records("journal") == [first]


def test_records_are_numbered_by_kind_and_read_page_by_page(records: ConnectionRecords) -> None:
    for n in range(5):
        records.append("journal", f"key-{n}", {"n": n})
    assert records.append("draft", "key-0", {}).sequence == 1
    assert [record.sequence for record in records.records("journal", limit=2)] == [1, 2]
    assert [record.key for record in records.records("journal", after=2, limit=2)] == ["key-2", "key-3"]
    assert records.records("journal", after=5) == []


def test_many_who_record_at_once_leave_no_gap_and_no_double(records: ConnectionRecords) -> None:
    in_threads(*((records.append, "journal", f"key-{n // 2}", {"n": n // 2}) for n in range(16)))
    found = records.records("journal")
    assert [record.sequence for record in found] == list(range(1, 9))
    assert {record.key for record in found} == {f"key-{n}" for n in range(8)}


def test_another_connection_sees_nothing_of_it(records: ConnectionRecords) -> None:
    records.append("journal", "key-1", {"a": "1"})
    other = records_of(a_shop(records.engine))
    assert (other.find("journal", "key-1"), other.records("journal")) == (None, [])
    assert other.append("journal", "key-1", {"a": "2"}).sequence == 1
    stranger = ConnectionRecords(
        engine=records.engine,
        company_id=other.company_id,
        connection_id=records.connection_id,
        now=lambda: NOW,
    )
    assert stranger.records("journal") == [], "not even when it knows the number of the connection"
    with records.engine.connect() as connection:
        mine = sa.select(sa.func.count()).where(BackendRecord.company_id == records.company_id)
        assert connection.execute(mine).scalar_one() == 1

"""The drawing of a trace: every lot once, every line from left to right, and a list that says the same."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from partsemble_core.services.tracing import TraceReport, trace_lot
from partsemble_core.store.database import open_engine
from partsemble_web import graphs
from partsemble_web.graphs import Branch, branches, draw
from tests.servers.databases import copy_of
from tests.services.makers import Shop, a_shop


@pytest.fixture
def deep(migrated_sqlite: Path, tmp_path: Path) -> Shop:
    """Screws go into every one of five levels; boards come of two batches of blanks."""
    shop = a_shop(open_engine(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3")))
    shop.products("blank", "screw", "l1", "l2", "l3", "l4", "l5", "other")
    shop.stock("screw", "100")
    shop.stock("other", "10")
    for day in ("2026-04-01", "2026-04-02"):
        shop.stock("blank", "3", on=day)
    below = "blank"
    for name in ("l1", "l2", "l3", "l4", "l5"):
        shop.bom(name, {below: "1", "screw": "2"} | ({"other": "1"} if name == "l5" else {}))
        shop.build(name, "4")
        below = name
    return shop


def traced(shop: Shop, sku: str) -> TraceReport:
    with shop.reading() as session:
        return trace_lot(session, shop.lots(sku)[0].id)


def columns(report: TraceReport) -> dict[str, int]:
    graph = draw(report)
    assert graph is not None
    return {
        node.lot.sku if node.lot else node.reference: (node.x - graphs.MARGIN) // graphs.COLUMN for node in graph.nodes
    }


def test_a_lot_stands_as_far_off_as_its_longest_way(deep: Shop) -> None:
    assert columns(traced(deep, "screw")) == {"screw": 0, "l1": 1, "l2": 2, "l3": 3, "l4": 4, "l5": 5}
    assert columns(traced(deep, "l5")) == {
        "screw": 0,
        "blank": 0,
        "l1": 1,
        "l2": 2,
        "l3": 3,
        "l4": 4,
        "other": 4,
        "l5": 5,
    }
    assert columns(traced(deep, "l2")) == {"screw": 0, "blank": 0, "l1": 1, "l2": 2, "l3": 3, "l4": 4, "l5": 5}


def test_lines_run_from_left_to_right_and_no_box_covers_another(deep: Shop) -> None:
    for sku in ("screw", "blank", "l3", "l5"):
        report = traced(deep, sku)
        graph = draw(report)
        assert graph is not None
        assert len(graph.lines) == len(report.steps)
        for line in graph.lines:
            start, *_, end = re.findall(r"(\d+) \d+", line)
            assert int(start) < int(end), line
        places = [(node.x, node.y) for node in graph.nodes]
        assert len(set(places)) == len(places) == 1 + len(report.sources) + len(report.products)
        for x, y in places:
            assert 0 <= x <= graph.width - graphs.WIDTH
            assert 0 <= y <= graph.height - graphs.HEIGHT
        rows = sorted(places)
        assert all(b[1] - a[1] >= graphs.HEIGHT for a, b in pairwise(rows) if a[0] == b[0])
        middle = next(node for node in graph.nodes if node.look == "middle")
        assert middle.lot is not None
        assert middle.lot.lot_id == report.lot.lot_id


def test_what_a_later_build_took_beside_the_lot_is_not_in_its_drawing(deep: Shop) -> None:
    assert "other" not in columns(traced(deep, "l3"))


def test_a_used_up_lot_and_one_that_is_left_look_different(deep: Shop) -> None:
    graph = draw(traced(deep, "blank"))
    assert graph is not None
    assert {node.lot.sku: node.look for node in graph.nodes if node.lot} == {
        "blank": "middle", "l1": "gone", "l2": "gone", "l3": "gone", "l4": "gone", "l5": "there",
    }  # fmt: skip


def test_the_list_tells_each_lot_s_own_story_once(deep: Shop) -> None:
    def names(found: tuple[Branch, ...]) -> list[object]:
        return [(b.lot.sku if b.lot else b.reference, b.is_told, names(b.branches)) for b in found]

    assert names(branches(traced(deep, "l2"), back=False)) == [
        ("l3", False, [("l4", False, [("l5", False, [])])]),
    ]
    assert [b.lot.sku for b in branches(traced(deep, "l2"), back=True) if b.lot] == ["l1", "screw"]
    forward = branches(traced(deep, "screw"), back=False)
    told = [b for b in forward if b.is_told]
    assert {b.lot.sku for b in told if b.lot} <= {"l2", "l3", "l4", "l5"}
    assert sum(1 for b in forward if not b.is_told) >= 1


def test_a_lot_alone_is_not_drawn_nor_a_thicket(deep: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    deep.products("lonely")
    deep.stock("lonely", "1")
    assert draw(traced(deep, "lonely")) is None
    monkeypatch.setattr(graphs, "MOST", 5)
    assert draw(traced(deep, "screw")) is None

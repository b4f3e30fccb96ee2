"""Whatever happened here and in the books, the lines add up to the difference and nothing remains."""

from __future__ import annotations

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partsemble_core.domain.reconciliation import Reason, Verdict
from partsemble_core.errors import Refused
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services.doctoring import examine
from partsemble_core.services.reconciling import reconcile
from tests.faults.stage import Stage, a_stage
from tests.faults.test_reconciling import all_exports, chosen, kits, today, two_lines
from tests.services.makers import a_line
from tests.services.stockroom import adjust, open_stock, undo

COSTS = st.integers(1, 20_000_000).map(lambda millionths: Decimal(millionths) / 1_000_000)
DAYS = st.integers(0, 3).map(lambda days: dt.timedelta(days=days))
HERE = ("receive", "receive", "panel", "kit", "adjust", "open", "undo")
THERE = ("post", "post", "lose", "refuse", "skip", "edit", "void", "remove", "move", "enter")


class Story:
    """What happens to one company, drawn from ``data``."""

    def __init__(self, stage: Stage, data: st.DataObject) -> None:
        self.stage, self.data = stage, data
        self.done: list[tuple[str, object]] = []

    def receive(self) -> None:
        cost, day = self.data.draw(COSTS), today(self.stage) - self.data.draw(DAYS)
        self.done.append(("receipt", self.stage.shop.receive(a_line("BOLT", total_cost=cost), on=day)))

    def panel(self) -> None:
        self.done.append(("build", self.stage.shop.build("PANEL", "1")))

    def kit(self) -> None:
        self.done.append(("build", self.stage.shop.build("KIT", "1")))

    def adjust(self) -> None:
        lots = self.stage.shop.lots("BOLT")
        if lots:
            adjust(self.stage.shop, self.data.draw(st.sampled_from(lots)), "-1")

    def open(self) -> None:
        open_stock(self.stage.shop, "BOLT", "3", self.data.draw(COSTS))

    def undo(self) -> None:
        if self.done:
            kind, document = self.done.pop()
            undo(self.stage.shop, kind, document)

    def post(self) -> None:
        for export in all_exports(self.stage):
            self.stage.post(export.id)

    def lose(self) -> None:
        self.stage.books.tell(Lie.LOSE_ANSWER, step=self.data.draw(st.sampled_from(["create", "post"])))

    def refuse(self) -> None:
        self.stage.books.tell(Lie.REFUSE, step="create")

    def skip(self) -> None:
        fresh = [export for export in all_exports(self.stage) if export.state == "pending" and not export.attempts]
        if fresh:
            self.stage.update(fresh[0].id, state="skipped")

    def edit(self) -> None:
        if (held := self.posted()) is not None:
            self.stage.books.set_lines(held, two_lines("a-621", "a-623", "0.01"))

    def void(self) -> None:
        if (held := self.posted()) is not None:
            self.stage.books.set_status(held, "voided")

    def remove(self) -> None:
        if (held := self.posted()) is not None:
            self.stage.books.remove(held)

    def move(self) -> None:
        if (held := self.posted()) is not None:
            self.stage.books.set_day(held, (today(self.stage) - self.data.draw(DAYS)).isoformat())

    def enter(self) -> None:
        day, accounts = today(self.stage) - self.data.draw(DAYS), self.data.draw(st.permutations(["a-621", "a-478"]))
        self.stage.books.enter(day=day.isoformat(), lines=two_lines(accounts[0], accounts[1], "1.11"))

    def posted(self) -> str | None:
        held = self.stage.books.journals(status="posted")
        return self.data.draw(st.sampled_from(held)).external_id if held else None


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), with_labour_account=st.booleans())
def test_lines_explain_everything(engine: sa.Engine, data: st.DataObject, with_labour_account: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stage = a_stage(engine, Path(folder))
        kits(stage, labour="1.005")
        chosen(stage, "waste", "478")
        if with_labour_account:
            chosen(stage, "applied_costs", "478")
        story = Story(stage, data)
        for step in data.draw(st.lists(st.sampled_from((*HERE, *THERE)), min_size=8, max_size=25)):
            try:
                getattr(story, step)()
            except Refused:
                continue  # a shortage, or a document in use: nothing happened
        stage.books.heal()
        for back in range(4):
            check(stage, today(stage) - dt.timedelta(days=back))
        with stage.shop.reading() as session:
            assert examine(session) == []


def check(stage: Stage, day: dt.date) -> None:
    found = reconcile(stage.house, stage.company_id, on=day)
    assert found.books is not None
    assert found.remainder == 0
    assert sum((line.amount for line in found.lines), Decimal(0)) == found.books - found.stock
    assert all(line.amount for line in found.lines)
    rounding = sum((line.amount for line in found.lines if line.reason == Reason.ROUNDING), Decimal(0))
    assert (found.verdict == Verdict.AGREES) == (found.difference in (0, rounding))

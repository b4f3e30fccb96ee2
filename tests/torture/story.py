"""What happens while workers work: documents, faults between us and Xero, people who decide, nights that pass."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.errors import PartsembleError
from partsemble_core.services import deciding
from partsemble_core.services.doubting import doubt_after_restore
from partsemble_core.services.opting import set_options
from partsemble_core.services.retrying import retry_export
from partsemble_core.services.reversing import reverse
from partsemble_core.store.connections import ConnectionState
from partsemble_core.store.exports import Export
from partsemble_core.store.lots import DocumentKind
from partsemble_core.wiring import utc_now
from tests.faults.xero_stage import ORGANISATION, XeroStage

JOURNALS = "POST /api.xro/2.0/ManualJournals*"
CREATE = "POST /api.xro/2.0/ManualJournals"
POST = "POST /api.xro/2.0/ManualJournals/*"
READ = "GET /api.xro/2.0/ManualJournals*"
TOKEN = "POST /connect/token"
FAULTS: tuple[tuple[str, str, dict[str, int]], ...] = (
    (JOURNALS, "close-before", {}),
    (JOURNALS, "close-after", {}),
    (JOURNALS, "status-after", {"status": 500}),
    (JOURNALS, "status-after", {"status": 302}),
    (JOURNALS, "status", {"status": 500}),
    (JOURNALS, "status", {"status": 503, "times": 6}),
    (JOURNALS, "status", {"status": 429}),
    (JOURNALS, "cut", {}),
    (JOURNALS, "empty", {}),
    (JOURNALS, "html", {}),
    (JOURNALS, "short", {}),
    (POST, "wrong-id", {}),
    (POST, "twice", {}),
    (JOURNALS, "hold", {"hold_ms": 2_000}),
    (READ, "close-before", {}),
    (READ, "status", {"status": 500}),
    (READ, "unseen", {}),
    (TOKEN, "close-after", {}),
    (TOKEN, "status", {"status": 500}),
)
AT_REST = (ExportState.POSTED, ExportState.SKIPPED, ExportState.CANCELLED)


@dataclass(slots=True)
class Story:
    """One company's, told by dice. ``told`` counts what happened."""

    stage: XeroStage
    dice: random.Random
    told: Counter[str] = field(default_factory=Counter)

    def go_on(self) -> None:
        """One more thing happens."""
        chapters: dict[Callable[[], None], int] = {
            self.queue: 30,
            self.fault: 25,
            self.decide: 25,
            self.reverse: 4,
            self.change_mode: 3,
            self.lock: 3,
            self.open: 6,
            self.pass_time: 10,
            self.end_tokens: 1,
            self.doubt_everything: 1,
            self.reconnect: 5,
            self.heal: 3,
        }
        [chapter] = self.dice.choices(list(chapters), weights=list(chapters.values()))
        self.tell(chapter.__name__, chapter)

    def queue(self) -> None:
        self.stage.queue(cost=f"{self.dice.randint(1, 99_999) / 100:.2f}")

    def fault(self) -> None:
        match, kind, more = self.dice.choice(FAULTS)
        self.stage.sandbox.add_fault(match, kind=kind, **more)
        self.told[f"fault {kind}"] += 1

    def decide(self) -> None:
        """A person about any export, fitting or not, with any id that the books hold."""
        exports = self.exports()
        waiting = [each for each in exports if each.state in (ExportState.REVIEW, ExportState.HELD)]
        if not exports:
            return
        export = self.dice.choice(waiting or exports)
        house, act, company = self.stage.house, self.stage.act, self.stage.company_id
        decisions: dict[str, Callable[[], object]] = {
            "post": lambda: house.write(company, lambda session: deciding.post_held(session, [export.id])),
            "retry": lambda: house.write(company, lambda session: retry_export(session, export.id)),
            "skip": lambda: deciding.skip_export(house, act, company, export.id, reason="why"),
            "adopt": lambda: deciding.adopt(house, act, company, export.id, external_id=self._any_id(export)),
            "cancel": lambda: deciding.cancel_and_reverse(house, act, company, export.id, reason="why"),
            "remap": lambda: deciding.remap(house, act, company, export.id),
        }
        name = self.dice.choice(["post", "post", "retry", "retry", "skip", "adopt", "cancel", "remap"])
        self.tell(name, decisions[name])

    def reverse(self) -> None:
        receipts = [each for each in self.exports() if each.document_kind == DocumentKind.RECEIPT]
        if receipts:
            document = self.dice.choice(receipts).document_id
            act = self.stage.act
            self.stage.house.write(
                self.stage.company_id,
                lambda session: reverse(session, act, DocumentKind.RECEIPT, document, reason="a slip"),
            )

    def change_mode(self) -> None:
        mode = self.dice.choice(["manual", "automatic", "automatic"])
        self.stage.shop.write(lambda session: set_options(session, {"export_receipts": mode}))

    def lock(self) -> None:
        self.stage.sandbox.lock(ORGANISATION, period=str(utc_now().date()))

    def open(self) -> None:
        self.stage.sandbox.lock(ORGANISATION, period=None)

    def pass_time(self) -> None:
        self.stage.age()

    def end_tokens(self) -> None:
        """In Xero's view the access token ended; a key of before is forgotten too."""
        self.stage.sandbox.advance(31 * 60)

    def doubt_everything(self) -> None:
        doubt_after_restore(self.stage.house, self.stage.company_id)

    def reconnect(self) -> None:
        if self.stage.connection().state != ConnectionState.ACTIVE:
            self.stage.connect()

    def heal(self) -> None:
        self.stage.sandbox.clear_faults()

    def exports(self) -> list[Export]:
        return self.stage.shop.rows(sa.select(Export).order_by(Export.id))

    def _any_id(self, export: Export) -> str:
        ids = [each["journal_id"] for each in self.stage.journals(token=export.token)]
        ids = ids or [each["journal_id"] for each in self.stage.journals()]
        return str(self.dice.choice(ids)) if ids else "nowhere"

    def tell(self, name: str, happen: Callable[[], object]) -> None:
        """Lets it happen, and counts it. What is refused counts as refused; anything else is a fault of ours."""
        try:
            happen()
        except PartsembleError as error:
            self.told[f"{name}: {error.code}"] += 1
        else:
            self.told[name] += 1


def come_to_rest(story: Story) -> None:
    """All is healed; what needs a person is tried again, and then left out; nothing is left that waits."""
    stage = story.stage
    stage.sandbox.clear_faults()
    stage.sandbox.lock(ORGANISATION, period=None)
    for _ in range(60):
        waiting = [each for each in story.exports() if each.state not in AT_REST]
        if not waiting:
            return
        if stage.connection().state != ConnectionState.ACTIVE:
            stage.connect()
        stage.age()
        for export in waiting:
            settle_one(story, export)
    left = [(each.reference, each.state, each.problem) for each in story.exports() if each.state not in AT_REST]
    raise AssertionError(f"not at rest: {left}")


def settle_one(story: Story, export: Export) -> None:
    """A step towards its end: by a person where it needs one, else by a worker."""
    stage, house, company = story.stage, story.stage.house, story.stage.company_id
    decisions: dict[str, Callable[[], object]] = {
        "post": lambda: house.write(company, lambda session: deciding.post_held(session, [export.id])),
        "retry": lambda: house.write(company, lambda session: retry_export(session, export.id)),
        "skip": lambda: deciding.skip_export(house, stage.act, company, export.id, reason="why"),
        "cancel": lambda: deciding.cancel_and_reverse(house, stage.act, company, export.id, reason="why"),
    }
    if export.state == ExportState.HELD:
        story.tell("post", decisions["post"])
    elif export.state == ExportState.REVIEW:
        name = story.dice.choice(["retry", "retry", "skip", "cancel"])
        story.tell(name, decisions[name])
    else:
        stage.post(export.id)

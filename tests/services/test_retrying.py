from __future__ import annotations

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import Doubt, ExportState, StepKind
from partsemble_core.errors import NotFound, WrongState
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.exports import Export, ExportAttempt
from tests.services.makers import Shop, connect, refused


@pytest.fixture
def failed(shop: Shop) -> Export:
    """An export that waits for a person; nothing was sent yet."""
    connect(shop)
    shop.product("PANEL")
    shop.stock("PANEL", "1")
    shop.write(lambda session: session.execute(sa.update(Export).values(state=ExportState.REVIEW, problem="no")))
    return shop.rows(sa.select(Export))[0]


def attempted(shop: Shop, export: Export, step: StepKind, outcome: str | None) -> None:
    shop.write(
        lambda session: session.add(
            ExportAttempt(
                export_id=export.id, epoch=1, step=step, key="k", sent_at=shop.act.at, outcome=outcome, message=""
            )
        )
    )


def retried(shop: Shop, export: Export) -> tuple[str, str]:
    shop.write(lambda session: retry_export(session, export.id))
    now = shop.rows(sa.select(Export))[0]
    assert (now.problem, now.lease_until) == ("", None)
    assert now.lease_epoch == export.lease_epoch + 1, "the late answer of an older attempt counts no more"
    return now.state, now.doubt


def test_what_was_clearly_refused_is_sent_again(shop: Shop, failed: Export) -> None:
    attempted(shop, failed, StepKind.CREATE, "refused")
    assert retried(shop, failed) == (ExportState.PENDING, Doubt.NONE)


@pytest.mark.parametrize(
    ("step", "outcome"),
    [(StepKind.CREATE, "unknown"), (StepKind.CREATE, None), (StepKind.LOOK_UP, "ok"), (StepKind.CREATE, "ok")],
)
def test_anything_else_is_looked_up_before_it_is_sent(
    shop: Shop, failed: Export, step: StepKind, outcome: str | None
) -> None:
    attempted(shop, failed, step, outcome)
    assert retried(shop, failed) == (ExportState.UNKNOWN, Doubt.CREATING)


def test_a_journal_that_has_an_id_is_never_created_again(shop: Shop, failed: Export) -> None:
    attempted(shop, failed, StepKind.CREATE, "refused")
    shop.write(lambda session: session.execute(sa.update(Export).values(external_id="theirs")))
    assert retried(shop, failed) == (ExportState.UNKNOWN, Doubt.POSTING)


def test_the_bell_is_rung_for_it(shop: Shop, failed: Export) -> None:
    def work(session: object) -> list[int]:
        retry_export(session, failed.id)  # type: ignore[arg-type]
        return list(session.queued_exports)  # type: ignore[attr-defined]

    assert shop.write(work) == [failed.id]


@pytest.mark.parametrize("state", [s for s in ExportState if s not in (ExportState.REVIEW, ExportState.POSTED)])
def test_only_a_failed_export_can_be_tried_again(shop: Shop, failed: Export, state: ExportState) -> None:
    shop.write(lambda session: session.execute(sa.update(Export).values(state=state)))
    with refused(shop, WrongState, "wrong-state"):
        shop.write(lambda session: retry_export(session, failed.id))


def test_an_export_that_is_not_there_is_not_found(shop: Shop) -> None:
    with refused(shop, NotFound, "not-found"):
        shop.write(lambda session: retry_export(session, 10**15))

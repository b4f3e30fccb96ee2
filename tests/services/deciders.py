"""Decisions about postings, each as one call, and exports that wait for one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.domain.exports import ExportState
from partsemble_core.domain.journals import AccountRole
from partsemble_core.errors import PartsembleError, Refused
from partsemble_core.plugin_testing.lying_books import Lie
from partsemble_core.services import deciding, mapping
from partsemble_core.services.opting import set_options
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.adjustments import Reversal
from partsemble_core.store.exports import Export
from partsemble_core.store.receipts import Receipt
from tests.faults.stage import Stage, a_stage


def a_deciding_stage(engine: sa.Engine, tmp_path: Path) -> Stage:
    made = a_stage(engine, tmp_path)
    map_account(made, AccountRole.WASTE, "478")
    return made


def by_hand(stage: Stage, **options: str) -> None:
    wanted = options or dict.fromkeys(("export_receipts", "export_builds", "export_adjustments"), "manual")
    stage.shop.write(lambda session: set_options(session, wanted))


def post(stage: Stage, *export_ids: int, digest: str | None = None) -> list[Export]:
    return stage.house.write(stage.company_id, lambda session: deciding.post_held(session, export_ids, digest=digest))


def skip(stage: Stage, export_id: int, *, reason: object = "Entered in the books by hand") -> Export:
    return deciding.skip_export(stage.house, stage.shop.act, stage.company_id, export_id, reason=reason)


def adopt(stage: Stage, export_id: int, external_id: object) -> Export:
    return deciding.adopt(stage.house, stage.shop.act, stage.company_id, export_id, external_id=external_id)


def cancel(stage: Stage, export_id: int, **more: Any) -> Reversal | None:
    reason = more.pop("reason", "Wrong supplier")
    return deciding.cancel_and_reverse(stage.house, stage.shop.act, stage.company_id, export_id, reason=reason, **more)


def remap(stage: Stage, export_id: int) -> Export:
    return deciding.remap(stage.house, stage.shop.act, stage.company_id, export_id)


def retry(stage: Stage, export_id: int) -> None:
    stage.house.write(stage.company_id, lambda session: retry_export(session, export_id))


def map_account(stage: Stage, role: AccountRole, code: str) -> None:
    connection = stage.connection()
    stage.shop.write(lambda s: mapping.map_account(s, connection_id=connection.id, role=role, code=code))


def says_no(stage: Stage, decide: Callable[[], object], error: type[PartsembleError], code: str) -> str:
    """The refusal's words; no row of the company's exports, receipts or reversals changed."""
    before = rows(stage)
    with pytest.raises(error) as caught:
        decide()
    assert caught.value.code == code
    assert rows(stage) == before
    return str(caught.value)


def rows(stage: Stage) -> list[tuple[object, ...]]:
    columns = (Export.id, Export.state, Export.external_id, Export.problem, Export.lease_epoch, Export.is_replaced)
    with stage.shop.reading() as session:
        return [
            *(tuple(row) for row in session.execute(sa.select(*columns).order_by(Export.id))),
            *(tuple(row) for row in session.execute(sa.select(Receipt.id, Receipt.state).order_by(Receipt.id))),
            *(tuple(row) for row in session.execute(sa.select(Reversal.id).order_by(Reversal.id))),
        ]


def failed(stage: Stage, lie: Lie = Lie.REFUSE, *, step: str = "create") -> int:
    """An export that needs a person: refused, or with ``step`` post refused once its draft was there."""
    export_id = stage.queue()
    stage.books.tell(lie, step=step)
    stage.post(export_id)
    assert stage.export(export_id).state == ExportState.REVIEW
    return export_id


def doubtful(stage: Stage) -> int:
    """Needs a person after a creation without an answer that may still arrive."""
    export_id = stage.queue()
    stage.books.tell(Lie.APPLY_LATE, step="create", seconds=100_000)
    stage.post(export_id)
    stage.pass_time()
    stage.books.tell(Lie.REFUSE, step="create")
    while stage.post(export_id) not in (ExportState.REVIEW, ExportState.POSTED):
        stage.pass_time()
    assert stage.export(export_id).state == ExportState.REVIEW
    return export_id


def at_once(decide: Callable[[], object], times: int = 2) -> list[str]:
    def run(_: int) -> str:
        try:
            decide()
        except Refused as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))

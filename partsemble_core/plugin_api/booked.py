"""A journal as the books hold it: what reconciling reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from partsemble_core.plugin_api.types import JournalLine, JournalStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedJournal:
    """A journal in the books, whoever wrote it. ``token`` is the one of ours that its words carry, if any."""

    external_id: str
    status: JournalStatus
    date: dt.date
    narration: str = ""
    token: str = ""
    lines: tuple[JournalLine, ...] | None = None
    """None where the books don't tell."""

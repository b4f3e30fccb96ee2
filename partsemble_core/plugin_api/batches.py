"""Many journals in one call."""

from __future__ import annotations

from partsemble_core.plugin_api.errors import BackendError
from partsemble_core.plugin_api.types import JournalEntry, JournalResult, JournalStep

BatchEntry = tuple[JournalEntry, JournalStep]
"""One entry of a batch, with its step."""
BatchAnswer = JournalResult | BackendError
"""What became of one: an error is about that entry alone."""

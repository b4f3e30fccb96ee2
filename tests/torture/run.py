"""One run: workers and the story they live through, then rest, then the counts."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

from partsemble_core import config
from partsemble_core.domain.exports import ExportState
from tests.faults.stage import an_engine
from tests.faults.xero_stage import XeroStage, a_xero_stage
from tests.servers.databases import migrated
from tests.torture.counts import broken_counts, call_rate
from tests.torture.fleet import Fleet, a_fleet
from tests.torture.story import Story, come_to_rest

BEAT_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run came to. ``broken`` is empty if all counts hold."""

    documents: int
    posted: int
    killed: int
    calls_a_minute: int
    told: dict[str, int]
    broken: list[str]


def torture(url: str, folder: Path, *, seed: int, seconds: float, workers: int) -> Result:
    """Runs on an empty database for so long, comes to rest, counts."""
    dice = random.Random(seed)
    with an_engine(migrated(url)) as engine, a_xero_stage(engine, folder) as stage:
        stage.connect()
        story = Story(stage, dice)
        with a_fleet(environment_of(stage)) as fleet:
            killed = run(story, fleet, dice, seconds=seconds, workers=workers)
        come_to_rest(story)
        exports = story.exports()
        return Result(
            documents=len(exports),
            posted=sum(1 for each in exports if each.state == ExportState.POSTED),
            killed=killed,
            calls_a_minute=call_rate(stage),
            told=dict(sorted(story.told.items())),
            broken=broken_counts(stage, exports),
        )


def run(story: Story, fleet: Fleet, dice: random.Random, *, seconds: float, workers: int) -> int:
    """How many workers died on the way."""
    started, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        while fleet.count() < workers:
            fleet.start(dice.randrange(2**32))
            started += 1
        story.go_on()
        time.sleep(BEAT_SECONDS)
    return started - workers


def environment_of(stage: XeroStage) -> dict[str, str]:
    """The product's settings, with leases and rests of a second."""
    short = {"PARTSEMBLE_LEASE_SECONDS": "2", "PARTSEMBLE_QUARANTINE_SECONDS": "1"}
    return {**config.environment_of(stage.house.settings), **short}

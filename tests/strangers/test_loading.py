"""Plugins of strangers: the good one works, the broken ones are listed with their reason and leave nothing behind."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from partsemble_core.plugin_api import JournalStatus, JournalStep, PostStep
from partsemble_core.plugin_host import PluginError, PluginHost
from tests.strangers import broken
from tests.strangers.good import PaperLedger
from tests.strangers.test_good import PaperHarness


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Callable[[dict[str, str]], None]]:
    """Installs a distribution, as pip would leave it, that offers the given entry points."""

    def install(points: dict[str, str]) -> None:
        info = tmp_path / "strangers-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers\nVersion: 1.0\n")
        lines = "".join(f"{name} = {target}\n" for name, target in points.items())
        (info / "entry_points.txt").write_text(f"[partsemble.plugins]\n{lines}")
        sys.path.insert(0, str(tmp_path))
        importlib.invalidate_caches()

    yield install
    sys.path.remove(str(tmp_path))


STRANGERS = {
    "paper_ledger": "tests.strangers.good:plugin",
    "quits": "tests.strangers.quits:plugin",
    "missing": "tests.strangers.nowhere:plugin",
    "a_class": "tests.strangers.good:PaperLedger",
    "Bad-Name": "tests.strangers.good:plugin",
    **{name: f"tests.strangers.broken:{name}" for name in broken.NAMES},
}


def test_broken_plugins_are_listed_and_the_good_one_works(
    installed: Callable[[dict[str, str]], None],
) -> None:
    installed(STRANGERS)
    host = PluginHost()
    host.load_entry_points(allowed=[*STRANGERS, "not_there"])
    assert set(host.infos) == {"paper_ledger"}
    assert set(host.failures) == set(STRANGERS) - {"paper_ledger"} | {"not_there"}
    assert posts(host)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("misspelt", "post_jurnal"),
        ("asks_too_much", "database"),
        ("from_the_future", r"\(1, 99\)"),
        ("impostor", "'xero'"),
        ("speechless", "my configuration file is missing"),
        ("nameless", "no description"),
        ("quits", "needs a licence"),
        ("a_class", "brackets"),
        ("Bad-Name", "must match"),
    ],
)
def test_the_list_says_what_is_wrong_with_a_plugin(
    installed: Callable[[dict[str, str]], None], name: str, reason: str
) -> None:
    installed({name: STRANGERS[name]})
    host = PluginHost()
    host.load_entry_points(allowed=[name])
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(host.failures[name])
    assert host.names == ()


def test_what_is_not_allowed_is_not_even_imported(installed: Callable[[dict[str, str]], None]) -> None:
    installed({"paper_ledger": STRANGERS["paper_ledger"], "quits": STRANGERS["quits"]})
    host = PluginHost()
    host.load_entry_points(allowed=["paper_ledger"])
    assert set(host.infos) == {"paper_ledger"}
    assert host.failures == {}


def test_without_a_list_every_installed_plugin_is_loaded(installed: Callable[[dict[str, str]], None]) -> None:
    installed({"paper_ledger": STRANGERS["paper_ledger"]})
    host = PluginHost()
    host.load_entry_points()
    assert "paper_ledger" in host.infos


@pytest.mark.parametrize("name", broken.NAMES)
def test_nothing_of_a_refused_plugin_stays(name: str) -> None:
    host = PluginHost()
    with pytest.raises((PluginError, LookupError)):
        host.add(getattr(broken, name), name)
    host.add(PaperLedger(), "paper_ledger")
    assert host.names == ("paper_ledger",)
    assert posts(host)


def test_a_name_is_taken_once() -> None:
    host = PluginHost()
    host.add(PaperLedger(), "paper_ledger")
    with pytest.raises(PluginError, match="another plugin"):
        host.add(PaperLedger(), "paper_ledger")


def test_an_unhashable_plugin_is_refused() -> None:
    @dataclasses.dataclass
    class Unhashable(PaperLedger):
        pass

    with pytest.raises(PluginError, match="unhashable"):
        PluginHost().add(Unhashable(), "paper_ledger")


def posts(host: PluginHost) -> bool:
    """Whether the paper ledger takes a journal through this host."""
    harness, step = PaperHarness(), JournalStep(kind=PostStep.CREATE, key="key-1")
    result = host.post_journal("paper_ledger", harness.ctx, entry=harness.entry(), step=step)
    return result.status is JournalStatus.POSTED and harness.count_journals() == 1

"""One plugin is asked alone, its answer is checked, and a broken one is listed and harms nobody."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from partsemble_core.errors import Invalid, PartsembleError, Refused, Wording, say
from partsemble_core.plugin_api import (
    Account,
    AccountClass,
    BackendContext,
    BomFile,
    ConnectRequest,
    ConnectResult,
    ConnectState,
    ConnectStep,
    Contact,
    ContactSync,
    JournalEntry,
    JournalLine,
    JournalResult,
    JournalStatus,
    JournalStep,
    OutcomeUnknown,
    Page,
    PostStep,
    Rejected,
    Secret,
    Unsupported,
    Written,
    hookimpl,
)
from partsemble_core.plugin_host import PluginError, PluginHost, UnknownBackend
from partsemble_core.plugin_testing.memory import make_context
from tests.strangers.good import PaperLedger

TOKEN = "token-that-nobody-may-see"
ENTRY = JournalEntry(
    token="AB12CD34EF56",
    date=dt.date(2026, 10, 5),
    currency="NZD",
    decimals=2,
    reference="PSB-000001",
    narration="Build PSB-000001",
    lines=(
        JournalLine(account_id="stock", account_code="1200", amount=Decimal("12.34")),
        JournalLine(account_id="cogs", account_code="5000", amount=Decimal("-12.34")),
    ),
)
CREATE = JournalStep(kind=PostStep.CREATE, key="key-1")
POSTED = JournalResult(external_id="j-1", status=JournalStatus.POSTED)


class Scripted(PaperLedger):
    """A backend whose answers a test decides, under a name of the test's choice."""

    def __init__(self, name: str, answers: Mapping[str, Callable[[], Any]]) -> None:
        self.name = name
        self.answers = answers
        self.calls: list[str] = []

    def _answer(self, hook: str) -> Any:
        self.calls.append(hook)
        return self.answers[hook]()

    @hookimpl
    def describe_backend(self) -> Any:
        return dataclasses.replace(super().describe_backend(), name=self.name)

    @hookimpl
    def connect(self, ctx: Any, request: Any) -> Any:
        return self._answer("connect")

    @hookimpl
    def list_accounts(self, ctx: Any, cursor: Any, limit: Any) -> Any:
        return self._answer("list_accounts")

    @hookimpl
    def post_journal(self, ctx: Any, entry: Any, step: Any) -> Any:
        return self._answer("post_journal")

    @hookimpl
    def sync_contacts(self, ctx: Any, push: Any) -> Any:
        return self._answer("sync_contacts")


class Reader:
    """A plugin that reads files and is no backend."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer

    @hookimpl
    def read_bom_file(self, content: bytes, filename: str, mapping: Mapping[str, str]) -> Any:
        return self.answer()


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


def scripted(**answers: Callable[[], Any]) -> tuple[PluginHost, Scripted]:
    host = PluginHost()
    plugin = Scripted("scripted", answers)
    host.add(plugin, "scripted")
    return host, plugin


@pytest.fixture
def ctx() -> BackendContext:
    return make_context(access_token=Secret(TOKEN), settings={"client_secret": Secret("s3cr3t-setting")})


def test_an_unknown_backend_is_a_refusal(ctx: BackendContext) -> None:
    with pytest.raises(UnknownBackend) as caught:
        PluginHost().list_accounts("nobody", ctx)
    assert isinstance(caught.value, Refused)
    assert caught.value.code == "unknown-backend"


def test_only_the_addressed_plugin_runs(ctx: BackendContext) -> None:
    host = PluginHost()
    asked = Scripted("asked", {"post_journal": lambda: POSTED})
    others = [Scripted(name, {"post_journal": raising(RuntimeError("overheard"))}) for name in ("first", "last")]
    host.add(others[0], "first")
    host.add(asked, "asked")
    host.add(others[1], "last")
    host.add(Reader(lambda: BomFile(lines=())), "reader")
    assert host.post_journal("asked", ctx, entry=ENTRY, step=CREATE) == POSTED
    assert asked.calls == ["post_journal"]
    assert [other.calls for other in others] == [[], []]


def test_an_impossible_entry_never_reaches_the_plugin(ctx: BackendContext) -> None:
    host, plugin = scripted(post_journal=lambda: POSTED)
    line = dataclasses.replace(ENTRY.lines[0], amount=Decimal("12.35"))
    with pytest.raises(Invalid, match="balance"):
        host.post_journal("scripted", ctx, entry=dataclasses.replace(ENTRY, lines=(line, ENTRY.lines[1])), step=CREATE)
    with pytest.raises(Invalid, match="needs the id"):
        host.post_journal("scripted", ctx, entry=ENTRY, step=JournalStep(kind=PostStep.POST, key="k"))
    assert plugin.calls == []


def test_a_missing_optional_hook_is_unsupported(ctx: BackendContext) -> None:
    host, _ = scripted()
    assert not host.has_hook("scripted", "list_balances")
    assert host.has_hook("scripted", "find_journal")
    with pytest.raises(Unsupported):
        host.list_balances("scripted", ctx, on=dt.date(2026, 10, 5))
    with pytest.raises(Unsupported):
        host.export_register("scripted", ctx)


async def _coroutine() -> JournalResult:
    return POSTED


def _generator() -> Iterator[JournalResult]:
    yield POSTED


@pytest.mark.parametrize("answer", [_coroutine, _generator])
def test_what_has_not_run_is_the_plugins_error(ctx: BackendContext, answer: Callable[[], Any]) -> None:
    host, _ = scripted(post_journal=answer, list_accounts=answer)
    with pytest.raises(PluginError, match="has not run"):
        host.post_journal("scripted", ctx, entry=ENTRY, step=CREATE)
    with pytest.raises(PluginError, match="has not run"):
        host.list_accounts("scripted", ctx)


@pytest.mark.parametrize("answer", [None, "posted", Page(records=()), ENTRY])
def test_a_posting_hook_without_a_proper_answer_leaves_the_outcome_unknown(ctx: BackendContext, answer: Any) -> None:
    host, _ = scripted(post_journal=lambda: answer)
    with pytest.raises(OutcomeUnknown, match="scripted"):
        host.post_journal("scripted", ctx, entry=ENTRY, step=CREATE)


@pytest.mark.parametrize("answer", [None, [], {}, POSTED])
def test_a_reading_hook_without_a_proper_answer_is_the_plugins_error(ctx: BackendContext, answer: Any) -> None:
    host, _ = scripted(list_accounts=lambda: answer)
    with pytest.raises(PluginError, match="list_accounts") as caught:
        host.list_accounts("scripted", ctx)
    assert (caught.value.plugin, caught.value.hook, caught.value.code) == (
        "scripted",
        "list_accounts",
        "plugin-error",
    )
    assert caught.value.written is Written.NO


@pytest.mark.parametrize(
    "answer",
    [
        JournalResult(external_id="", status=JournalStatus.POSTED),
        JournalResult(external_id="j-1", status=JournalStatus.DRAFT),
        JournalResult(external_id="j-2", status=JournalStatus.POSTED),
    ],
)
def test_a_posting_that_did_not_post_what_was_asked_is_unknown(ctx: BackendContext, answer: JournalResult) -> None:
    host, _ = scripted(post_journal=lambda: answer)
    with pytest.raises(OutcomeUnknown):
        host.post_journal(
            "scripted", ctx, entry=ENTRY, step=JournalStep(kind=PostStep.POST, key="k", external_id="j-1")
        )


def test_a_bug_while_posting_leaves_the_outcome_unknown(ctx: BackendContext) -> None:
    bug = ZeroDivisionError("oops")
    host, _ = scripted(post_journal=raising(bug))
    with pytest.raises(OutcomeUnknown) as caught:
        host.post_journal("scripted", ctx, entry=ENTRY, step=CREATE)
    assert caught.value.__cause__ is bug
    assert caught.value.written is Written.MAYBE


def test_a_refusal_that_is_no_backend_error_is_unknown_too(ctx: BackendContext) -> None:
    host, _ = scripted(post_journal=raising(Invalid("lines", "no")))
    with pytest.raises(OutcomeUnknown):
        host.post_journal("scripted", ctx, entry=ENTRY, step=CREATE)


def test_a_bug_while_reading_is_the_plugins_error(ctx: BackendContext) -> None:
    bug = ZeroDivisionError("oops")
    host, _ = scripted(list_accounts=raising(bug), sync_contacts=raising(bug))
    with pytest.raises(PluginError, match="ZeroDivisionError: oops") as caught:
        host.list_accounts("scripted", ctx)
    assert caught.value.__cause__ is bug
    with pytest.raises(PluginError) as caught:
        host.sync_contacts("scripted", ctx, push=[Contact(local_id="1", external_id=None, name="A")])
    assert caught.value.written is Written.MAYBE


def test_a_backend_error_comes_through_as_it_is(ctx: BackendContext) -> None:
    error = Rejected("no", problems=("The account is archived.",), fields=("lines[0].account_code",))
    host, _ = scripted(post_journal=raising(error))
    with pytest.raises(Rejected) as caught:
        host.post_journal("scripted", ctx, entry=ENTRY, step=CREATE)
    assert caught.value is error
    assert caught.value.problems == ("The account is archived.",)


def test_no_error_shows_a_secret_of_the_context(ctx: BackendContext) -> None:
    def chained() -> None:
        try:
            raise KeyError(TOKEN)
        except KeyError as cause:
            raise Rejected(f"sent {TOKEN} and s3cr3t-setting", problems=(f"bad {TOKEN}",)) from cause

    for act in (chained, raising(RuntimeError(f"{TOKEN} s3cr3t-setting"))):
        host, _ = scripted(post_journal=act, list_accounts=act)
        with pytest.raises(PartsembleError, match=r"\*\*\*") as posting:
            host.post_journal("scripted", ctx, entry=ENTRY, step=CREATE)
        with pytest.raises(PartsembleError, match=r"\*\*\*") as reading:
            host.list_accounts("scripted", ctx)
        for error in (posting.value, reading.value):
            chain = f"{error!r} {error} {error.__cause__!r} {error.__context__!r}"
            for secret in (TOKEN, "s3cr3t-setting"):
                assert secret not in chain + str(getattr(error, "problems", ""))
    assert TOKEN not in repr(ctx)


def test_a_secret_leaves_the_values_of_a_message_too_and_its_template_stays(ctx: BackendContext) -> None:
    error = Rejected(say("Sent {body} for {reference}.", body=f"x{TOKEN}", reference="R-1"))
    host, _ = scripted(post_journal=raising(error))
    with pytest.raises(Rejected) as caught:
        host.post_journal("scripted", ctx, entry=ENTRY, step=CREATE)
    message = caught.value.message
    assert isinstance(message, Wording)
    assert (message, message.template) == ("Sent x*** for R-1.", "Sent {body} for {reference}.")
    assert message.values == {"body": "x***", "reference": "R-1"}


def test_a_secret_in_the_template_itself_costs_the_template(ctx: BackendContext) -> None:
    host, _ = scripted(post_journal=raising(Rejected(say("Sent " + TOKEN + " for {reference}.", reference="R-1"))))
    with pytest.raises(Rejected) as caught:
        host.post_journal("scripted", ctx, entry=ENTRY, step=CREATE)
    assert (caught.value.message, type(caught.value.message)) == ("Sent *** for R-1.", str)


def page(count: int, **changes: Any) -> Callable[[], Page[Account]]:
    account = Account(external_id="1", code="1", name="x", classification=AccountClass.ASSET)
    return lambda: Page(records=(account,) * count, **changes)


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (page(1, next_cursor="same", has_more=True), "advance"),
        (page(1, next_cursor=None, has_more=True), "advance"),
        (page(3), "3 records"),
        (page(1, next_cursor="x" * 4097), "4096"),
        (lambda: Page(records=("text",)), "str"),
        (lambda: Page(records=iter(())), "tuple"),  # type: ignore[arg-type]
    ],
)
def test_a_page_that_would_never_end_or_burst_is_refused(
    ctx: BackendContext, answer: Callable[[], Any], what: str
) -> None:
    host, _ = scripted(list_accounts=answer)
    with pytest.raises(PluginError, match=what):
        host.list_accounts("scripted", ctx, cursor="same", limit=2)


def test_pages_pass_cursor_and_limit(ctx: BackendContext) -> None:
    host = PluginHost()
    host.add(PaperLedger(), "paper_ledger")
    first = host.list_accounts("paper_ledger", ctx, limit=2)
    assert (len(first.records), first.has_more) == (2, True)
    assert len(host.list_accounts("paper_ledger", ctx, cursor=first.next_cursor, limit=2).records) == 1
    assert host.find_journal("paper_ledger", ctx, entry=ENTRY) == ()


@pytest.mark.parametrize("state", [ConnectState.SIGN_IN, ConnectState.READY])
def test_a_connect_answer_must_hold_what_its_state_promises(ctx: BackendContext, state: ConnectState) -> None:
    host, _ = scripted(connect=lambda: ConnectResult(state=state))
    with pytest.raises(PluginError):
        host.connect("scripted", ctx, ConnectRequest(step=ConnectStep.BEGIN))


def test_every_pushed_contact_needs_an_outcome(ctx: BackendContext) -> None:
    host, _ = scripted(sync_contacts=lambda: ContactSync(pulled=Page(records=())))
    assert host.sync_contacts("scripted", ctx).pushed == ()
    with pytest.raises(PluginError, match="pushed"):
        host.sync_contacts("scripted", ctx, push=[Contact(local_id="7", external_id=None, name="A")])


def test_readers_are_asked_in_order_until_one_answers() -> None:
    host = PluginHost()
    with pytest.raises(Unsupported):
        host.read_bom_file(content=b"", filename="a.csv", mapping={})
    host.add(Reader(lambda: None), "declines")
    host.add(Reader(raising(RuntimeError("broken"))), "breaks")
    with pytest.raises(PluginError, match="breaks"):
        host.read_bom_file(content=b"", filename="a.csv", mapping={})
    wanted = BomFile(lines=(), rows=7)
    host.add(Reader(lambda: wanted), "reads")
    host.add(Reader(lambda: BomFile(lines=())), "too_late")
    assert host.read_bom_file(content=b"", filename="a.csv", mapping={}) is wanted


def test_a_file_that_no_reader_knows_is_invalid() -> None:
    host = PluginHost()
    host.add(Reader(lambda: None), "declines")
    with pytest.raises(Invalid, match="CSV"):
        host.read_bom_file(content=b"", filename="a.xlsx", mapping={})

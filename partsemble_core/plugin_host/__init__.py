"""Plugins, found by entry point and asked one at a time.

pluggy would broadcast a call to every plugin that has the hook: one backend would see another's tokens, and
one broken plugin would break its neighbours. So each call is addressed to one plugin object, its answer is
checked for all that pluggy lets pass, and a plugin that can't be loaded is listed and never raised.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import pluggy

from partsemble_core.errors import Invalid, PartsembleError, Refused, say
from partsemble_core.plugin_api import (
    BACKEND_HOOKS,
    ENTRY_POINT_GROUP,
    OPTIONAL_HOOKS,
    PROJECT,
    SPEC_VERSION,
    Account,
    AccountBalance,
    BackendContext,
    BackendError,
    BackendInfo,
    BackendSpec,
    BatchAnswer,
    BatchEntry,
    BomFile,
    BookedJournal,
    ConnectRequest,
    ConnectResult,
    ConnectState,
    Contact,
    ContactSync,
    Item,
    JournalEntry,
    JournalResult,
    JournalStatus,
    JournalStep,
    NotGenuine,
    OutcomeUnknown,
    Page,
    PostStep,
    SalesDocument,
    Secret,
    TrackingCategory,
    Unsupported,
    Webhook,
    Written,
    check_entry,
)
from partsemble_core.plugin_host.answers import (
    PluginError,
    blot_secrets,
    bug_error,
    checked,
    checked_batch,
    checked_page,
    checked_records,
    written_by,
)

__all__ = ["PluginError", "PluginHost", "UnknownBackend"]
log = logging.getLogger(__name__)
NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")
PAGE_SIZE = 100
STANDALONE_HOOKS = frozenset({"read_bom_file"})
"""What a plugin may implement without being a backend."""
R = TypeVar("R")


class UnknownBackend(Refused):
    """No plugin of this name is loaded: not installed, not enabled, or broken (see the list of plugins)."""

    code = "unknown-backend"

    def __init__(self, name: str) -> None:
        super().__init__(
            say("There is no backend {name!r}; install its plugin, enable it, and look at its error.", name=name)
        )
        self.name = name


class PluginHost:
    """All plugins of this process. ``failures`` tells, by name, why a plugin is not among them."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(BackendSpec)
        self._plugins: dict[str, object] = {}
        self._infos: dict[str, BackendInfo] = {}
        self.failures: dict[str, str] = {}

    # ---- loading

    def load_entry_points(self, allowed: Collection[str] | None = None) -> None:
        """Loads the installed plugins, or only the ``allowed`` ones. A plugin is code with all our rights.

        Never raises for a plugin: what fails, or is allowed but not installed, is in ``failures``.
        """
        found = sorted(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)
        for point in found:
            if allowed is None or point.name in allowed:
                self._load(point)
        for name in set(allowed or ()) - {point.name for point in found}:
            self.failures[name] = "It is not installed: no installed package offers a plugin of this name."

    def _load(self, point: importlib.metadata.EntryPoint) -> None:
        try:
            self.add(point.load(), point.name)
        except (Exception, SystemExit) as error:  # whatever a stranger's import does, the rest runs
            log.warning("The plugin %s can't be used.", point.name, exc_info=True)
            self.failures[point.name] = f"{type(error).__name__}: {error}"

    def add(self, plugin: object, name: str) -> None:
        """Registers one plugin object. Raises PluginError, and keeps nothing, where it breaks a rule."""
        if not NAME.fullmatch(name):
            raise PluginError(name, "its name", say("must match {pattern}", pattern=NAME.pattern))
        if isinstance(plugin, type):
            raise PluginError(name, "its entry point", "gives a class where an object belongs (add the brackets)")
        if name in self._plugins:
            raise PluginError(name, "its name", "has the name of another plugin")
        try:
            hash(plugin)
            self._manager.register(plugin, name=name)
            self._manager.check_pending()
            info = self._described(plugin, name)
        except (pluggy.PluginValidationError, TypeError, ValueError) as error:
            self._forget(plugin)
            raise PluginError(name, "its hooks", say("was refused ({error})", error=str(error))) from error
        except BaseException:
            self._forget(plugin)
            raise
        self._plugins[name] = plugin
        if info is not None:
            self._infos[name] = info

    def _forget(self, plugin: object) -> None:
        if any(registered is plugin for registered in self._manager.get_plugins()):
            self._manager.unregister(plugin)

    def _hooks_of(self, plugin: object) -> frozenset[str]:
        return frozenset(caller.name for caller in self._manager.get_hookcallers(plugin) or ())

    def _described(self, plugin: object, name: str) -> BackendInfo | None:
        hooks = self._hooks_of(plugin)
        if "describe_backend" not in hooks:
            if not hooks or hooks - STANDALONE_HOOKS:
                raise PluginError(name, "describe_backend", "has no description and is no file reader")
            return None
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        caller = self._manager.subset_hook_caller("describe_backend", remove_plugins=others)
        answers = caller()
        info = answers[0] if answers else None
        if not isinstance(info, BackendInfo):
            raise PluginError(
                name, "describe_backend", say("answered {type}, not BackendInfo", type=type(info).__name__)
            )
        if info.name != name:
            raise PluginError(
                name, "describe_backend", say("calls itself {name!r}, unlike its entry point", name=info.name)
            )
        if info.spec_version[0] != SPEC_VERSION[0] or info.spec_version > SPEC_VERSION:
            raise PluginError(
                name,
                "describe_backend",
                say(
                    "is made for hooks {theirs}; these are {ours}",
                    theirs=str(info.spec_version),
                    ours=str(SPEC_VERSION),
                ),
            )
        return info

    # ---- what is there

    @property
    def infos(self) -> Mapping[str, BackendInfo]:
        """Every backend's description by name."""
        return dict(self._infos)

    @property
    def names(self) -> tuple[str, ...]:
        """Every loaded plugin, file readers too."""
        return tuple(self._plugins)

    def info(self, backend: str) -> BackendInfo:
        """The description of one backend. Raises UnknownBackend."""
        if backend not in self._infos:
            raise UnknownBackend(backend)
        return self._infos[backend]

    def has_hook(self, backend: str, hook: str) -> bool:
        """Whether this backend has one of the (optional) hooks at all. Raises UnknownBackend."""
        self.info(backend)
        return hook in self._hooks_of(self._plugins[backend])

    # ---- the addressed calls

    def connect(self, backend: str, ctx: BackendContext, request: ConnectRequest) -> ConnectResult:
        """One step of connecting. A result without what its state promises is a PluginError."""
        result = self._ask(backend, "connect", ConnectResult, ctx, request=request)
        if result.state is ConnectState.SIGN_IN and result.sign_in is None:
            raise PluginError(backend, "connect", "asked for a sign-in without saying where")
        if result.state is ConnectState.READY and len(result.organisations) != 1:
            raise PluginError(backend, "connect", "said it is ready without naming exactly one organisation")
        return result

    def list_items(
        self, backend: str, ctx: BackendContext, *, cursor: str | None = None, limit: int = PAGE_SIZE
    ) -> Page[Item]:
        """One page of items."""
        page: Page[Item] = self._ask(backend, "list_items", Page, ctx, cursor=cursor, limit=limit)
        return checked_page(page, Item, cursor=cursor, limit=limit, backend=backend, hook="list_items")

    def list_accounts(
        self, backend: str, ctx: BackendContext, *, cursor: str | None = None, limit: int = PAGE_SIZE
    ) -> Page[Account]:
        """One page of ledger accounts."""
        page: Page[Account] = self._ask(backend, "list_accounts", Page, ctx, cursor=cursor, limit=limit)
        return checked_page(page, Account, cursor=cursor, limit=limit, backend=backend, hook="list_accounts")

    def post_journal(
        self, backend: str, ctx: BackendContext, *, entry: JournalEntry, step: JournalStep
    ) -> JournalResult:
        """One step of posting. Raises Invalid before the plugin is asked where the entry is impossible, and
        OutcomeUnknown wherever the plugin left the core in the dark."""
        check_entry(entry, self.info(backend).capabilities)
        if step.kind is PostStep.POST and not step.external_id:
            raise Invalid("step.external_id", "Posting needs the id of what was created; create it first.")
        result = self._ask(backend, "post_journal", JournalResult, ctx, entry=entry, step=step)
        if not result.external_id:
            raise OutcomeUnknown(say("The plugin {backend} answered a journal without an id.", backend=backend))
        if step.kind is PostStep.POST and (
            result.status is not JournalStatus.POSTED or result.external_id != step.external_id
        ):
            raise OutcomeUnknown(
                say(
                    "The plugin {backend} was to post {external_id}, and answered {result}.",
                    backend=backend,
                    external_id=str(step.external_id),
                    result=str(result),
                )
            )
        return result

    def fetch_sales(
        self, backend: str, ctx: BackendContext, *, cursor: str | None = None, limit: int = PAGE_SIZE
    ) -> Page[SalesDocument]:
        """One page of sales documents."""
        page: Page[SalesDocument] = self._ask(backend, "fetch_sales", Page, ctx, cursor=cursor, limit=limit)
        return checked_page(page, SalesDocument, cursor=cursor, limit=limit, backend=backend, hook="fetch_sales")

    def sync_contacts(
        self,
        backend: str,
        ctx: BackendContext,
        *,
        cursor: str | None = None,
        push: Sequence[Contact] = (),
        limit: int = PAGE_SIZE,
    ) -> ContactSync:
        """One page of contacts, and the outcome of each pushed one."""
        result = self._ask(backend, "sync_contacts", ContactSync, ctx, cursor=cursor, push=tuple(push), limit=limit)
        checked_page(result.pulled, Contact, cursor=cursor, limit=limit, backend=backend, hook="sync_contacts")
        if {outcome.local_id for outcome in result.pushed} != {contact.local_id for contact in push}:
            what = "did not answer for exactly the contacts that were pushed"
            raise PluginError(backend, "sync_contacts", what, written=Written.MAYBE)
        return result

    def find_journal(
        self, backend: str, ctx: BackendContext, *, entry: JournalEntry, external_id: str | None = None
    ) -> tuple[JournalResult, ...]:
        """All hits for an entry, drafts too. Raises Unsupported where the backend can't look up."""
        hits = self._ask(backend, "find_journal", object, ctx, entry=entry, external_id=external_id)
        return checked_records(hits, JournalResult, backend=backend, hook="find_journal")

    def post_journals(
        self, backend: str, ctx: BackendContext, *, entries: Sequence[BatchEntry]
    ) -> tuple[BatchAnswer, ...]:
        """One step of many entries: an answer for each, in the order given. Raises what `post_journal` does where all
        of them have the same fate; an answer that can't be that of its entry becomes OutcomeUnknown."""
        for entry, step in entries:
            check_entry(entry, self.info(backend).capabilities)
            if step.kind is PostStep.POST and not step.external_id:
                raise Invalid("step.external_id", "Posting needs the id of what was created; create it first.")
        answers = self._ask(backend, "post_journals", object, ctx, entries=tuple(entries))
        return checked_batch(answers, [step for _, step in entries], ctx, backend=backend)

    def find_journals(
        self, backend: str, ctx: BackendContext, *, entries: Sequence[JournalEntry], since: dt.datetime
    ) -> tuple[tuple[JournalResult, ...], ...]:
        """All hits for each of many entries. Raises Unsupported where the backend can't look up many at once."""
        answers = self._ask(backend, "find_journals", object, ctx, entries=tuple(entries), since=since)
        if not isinstance(answers, tuple | list) or len(answers) != len(entries):
            raise PluginError(backend, "find_journals", "did not answer for exactly the entries that were asked")
        return tuple(checked_records(hits, JournalResult, backend=backend, hook="find_journals") for hits in answers)

    def discard_draft(
        self, backend: str, ctx: BackendContext, *, entry: JournalEntry, external_id: str
    ) -> JournalResult:
        """Deletes one of our drafts. Raises Unsupported where there are none."""
        return self._ask(backend, "discard_draft", JournalResult, ctx, entry=entry, external_id=external_id)

    def list_balances(self, backend: str, ctx: BackendContext, *, on: dt.date) -> tuple[AccountBalance, ...]:
        """Ledger balances at the end of a day. Raises Unsupported where the backend can't tell."""
        balances = self._ask(backend, "list_balances", object, ctx, on=on)
        return checked_records(balances, AccountBalance, backend=backend, hook="list_balances")

    def list_tracking(self, backend: str, ctx: BackendContext) -> tuple[TrackingCategory, ...]:
        """The labels that a journal line may carry. Raises Unsupported where there are none."""
        found = self._ask(backend, "list_tracking", object, ctx)
        return checked_records(found, TrackingCategory, backend=backend, hook="list_tracking")

    def read_webhook(
        self, backend: str, *, settings: Mapping[str, str | Secret], headers: Mapping[str, str], body: bytes
    ) -> Webhook:
        """What a message of theirs says. Raises NotGenuine, Unsupported, PluginError without the message's text."""
        if not self.has_hook(backend, "read_webhook"):
            raise Unsupported(
                say("{title} tells nothing by itself; read from it by schedule.", title=self.info(backend).title)
            )
        arguments = {"settings": settings, "headers": headers, "body": body}
        try:
            answer = self._invoke(backend, "read_webhook", arguments)
        except NotGenuine:
            raise
        except Exception as error:  # noqa: BLE001 - its text may hold the key or what was sent
            raise PluginError(backend, "read_webhook", say("raised {type}", type=type(error).__name__)) from None
        return checked(answer, Webhook, backend=backend, hook="read_webhook", written=Written.NO)

    def list_journals(
        self, backend: str, ctx: BackendContext, *, cursor: str | None = None, limit: int = PAGE_SIZE
    ) -> Page[BookedJournal]:
        """One page of all journals in the books. Raises Unsupported where the backend can't tell."""
        page: Page[BookedJournal] = self._ask(backend, "list_journals", Page, ctx, cursor=cursor, limit=limit)
        return checked_page(page, BookedJournal, cursor=cursor, limit=limit, backend=backend, hook="list_journals")

    def export_register(self, backend: str, ctx: BackendContext) -> bytes:
        """The journal register as CSV. Raises Unsupported where the backend keeps none."""
        return self._ask(backend, "export_register", bytes, ctx)

    def read_bom_file(self, *, content: bytes, filename: str, mapping: Mapping[str, str]) -> BomFile:
        """Asks the readers in order of loading; the first that knows the format answers.

        Raises Unsupported where there is no reader, Invalid where none knows the format, PluginError where
        none did because one of them broke.
        """
        readers = [name for name, plugin in self._plugins.items() if "read_bom_file" in self._hooks_of(plugin)]
        if not readers:
            raise Unsupported("No installed plugin reads files; enable one, such as csv_import.")
        broken: PluginError | None = None
        for name in readers:
            try:
                answer = self._invoke(
                    name, "read_bom_file", {"content": content, "filename": filename, "mapping": mapping}
                )
            except PartsembleError:
                raise
            except Exception as error:  # a broken reader must not keep the others from reading
                log.warning("The plugin %s broke while reading a file.", name, exc_info=True)
                broken = PluginError(name, "read_bom_file", say("raised {type}", type=type(error).__name__))
                continue
            if answer is not None:
                return checked(answer, BomFile, backend=name, hook="read_bom_file", written=Written.NO)
        if broken is not None:
            raise broken
        raise Invalid("file", "This is no format that an installed plugin reads; save it as CSV (UTF-8).")

    def _invoke(self, name: str, hook: str, arguments: Mapping[str, object]) -> object:
        others = [plugin for other, plugin in self._plugins.items() if other != name]
        return self._manager.subset_hook_caller(hook, remove_plugins=others)(**arguments)

    def _ask(self, backend: str, hook: str, kind: type[R], ctx: BackendContext, **arguments: object) -> R:
        if hook not in (*BACKEND_HOOKS, *OPTIONAL_HOOKS):
            raise ValueError(f"{hook} is not a hook")
        if not self.has_hook(backend, hook):
            raise Unsupported(
                say("{title} can't do this ({hook} is not in its plugin).", title=self.info(backend).title, hook=hook)
            )
        written = written_by(hook, arguments)
        try:
            answer = self._invoke(backend, hook, {"ctx": ctx, **arguments})
        except BackendError as error:
            blot_secrets(error, ctx)
            raise
        except Exception as error:  # noqa: BLE001 - whatever a stranger raises becomes one of ours, below
            failure = bug_error(error, ctx, backend=backend, hook=hook, written=written)
        else:
            return checked(answer, kind, backend=backend, hook=hook, written=written)
        raise failure

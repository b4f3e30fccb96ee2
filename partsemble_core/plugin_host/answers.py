"""What pluggy lets pass: answers that are none, and errors that are no answers.

Where a hook that writes breaks the rules, nobody knows what it did: that is OutcomeUnknown, never a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TypeVar

from partsemble_core.errors import PartsembleError, Wording, say, word
from partsemble_core.plugin_api import (
    BackendContext,
    BackendError,
    BatchAnswer,
    JournalResult,
    JournalStatus,
    JournalStep,
    OutcomeUnknown,
    Page,
    PostStep,
    Rejected,
    Secret,
    Written,
)

MAX_CURSOR_BYTES = 4096
POSTING_HOOKS = frozenset({"post_journal", "post_journals", "discard_draft"})
R = TypeVar("R")


class PluginError(PartsembleError):
    """A plugin broke the rules of its hooks. ``written`` says whether the books may have changed."""

    code = "plugin-error"

    def __init__(self, plugin: str, hook: str, what: str, *, written: Written = Written.NO) -> None:
        super().__init__(
            say(
                "The plugin {plugin} {what} in {hook}; report it to the plugin's author.",
                plugin=plugin,
                what=word(what),
                hook=hook,
            )
        )
        self.plugin = plugin
        self.hook = hook
        self.written = written


def written_by(hook: str, arguments: Mapping[str, object]) -> Written:
    """Whether the books may have changed when this hook breaks half-way."""
    if hook in POSTING_HOOKS or arguments.get("push"):
        return Written.MAYBE
    return Written.NO


def checked(answer: object, kind: type[R], *, backend: str, hook: str, written: Written) -> R:
    """``answer`` if it is a ``kind``. A posting hook without an answer is doubt; a coroutine never ran."""
    if isinstance(answer, CoroutineType | GeneratorType):
        answer.close()
        raise PluginError(backend, hook, "answered something that has not run yet (async or yield)")
    if isinstance(answer, AsyncGeneratorType):
        raise PluginError(backend, hook, "answered something that has not run yet (async or yield)")
    if answer is None or not isinstance(answer, kind):
        wrong = say("answered {type}, not {kind},", type=type(answer).__name__, kind=kind.__name__)
        if hook in POSTING_HOOKS:
            raise OutcomeUnknown(
                say(
                    "The plugin {backend} {what} in {hook}; it may have been written.",
                    backend=backend,
                    what=word(wrong),
                    hook=hook,
                )
            )
        raise PluginError(backend, hook, wrong, written=written)
    return answer


def checked_records(records: object, kind: type[R], *, backend: str, hook: str) -> tuple[R, ...]:
    if not isinstance(records, tuple | list):
        raise PluginError(backend, hook, say("answered {type}, not a tuple", type=type(records).__name__))
    for record in records:
        if not isinstance(record, kind):
            raise PluginError(
                backend,
                hook,
                say("answered a {type} among {kind}s", type=type(record).__name__, kind=kind.__name__),
            )
    return tuple(records)


def checked_page(page: Page[R], kind: type[R], *, cursor: str | None, limit: int, backend: str, hook: str) -> Page[R]:
    checked_records(page.records, kind, backend=backend, hook=hook)
    if len(page.records) > limit:
        raise PluginError(
            backend,
            hook,
            say("answered {count} records where {limit} were asked", count=len(page.records), limit=limit),
        )
    if page.has_more and (page.next_cursor is None or page.next_cursor == cursor):
        raise PluginError(backend, hook, "said there is more but did not advance its cursor")
    if page.next_cursor is not None and len(page.next_cursor.encode()) > MAX_CURSOR_BYTES:
        raise PluginError(
            backend, hook, say("gave a cursor of more than {max_cursor_bytes} bytes", max_cursor_bytes=MAX_CURSOR_BYTES)
        )
    return page


def checked_batch(
    answers: object, steps: Sequence[JournalStep], ctx: BackendContext, *, backend: str
) -> tuple[BatchAnswer, ...]:
    """An answer for each step; what can't be the answer to its step is doubt, and doubt of that one alone."""
    if not isinstance(answers, tuple | list) or len(answers) != len(steps):
        raise OutcomeUnknown(
            say(
                "The plugin {backend} did not answer for each of {count} journals; look them up.",
                backend=backend,
                count=len(steps),
            )
        )
    return tuple(_checked_element(answer, step, ctx, backend) for answer, step in zip(answers, steps, strict=True))


def _checked_element(answer: object, step: JournalStep, ctx: BackendContext, backend: str) -> BatchAnswer:
    if isinstance(answer, BackendError):
        blot_secrets(answer, ctx)
        return answer
    if not isinstance(answer, JournalResult) or not answer.external_id:
        return OutcomeUnknown(
            say(
                "The plugin {backend} answered {type} for a journal of a batch.",
                backend=backend,
                type=type(answer).__name__,
            )
        )
    if step.kind is PostStep.POST and (answer.status, answer.external_id) != (JournalStatus.POSTED, step.external_id):
        return OutcomeUnknown(
            say(
                "The plugin {backend} was to post {external_id}, and answered {answer}.",
                backend=backend,
                external_id=str(step.external_id),
                answer=str(answer),
            )
        )
    return answer


def bug_error(
    error: Exception, ctx: BackendContext, *, backend: str, hook: str, written: Written
) -> OutcomeUnknown | PluginError:
    """The error for an exception that is no BackendError: chained, unless its text shows a secret."""
    what = _blotted(say("raised {type}: {error}", type=type(error).__name__, error=str(error)), ctx)
    failure: OutcomeUnknown | PluginError
    if hook in POSTING_HOOKS:
        failure = OutcomeUnknown(
            say(
                "The plugin {backend} {what} in {hook}; it may have been written.",
                backend=backend,
                what=word(what),
                hook=hook,
            )
        )
    else:
        failure = PluginError(backend, hook, what, written=written)
    failure.__cause__ = None if _shows_secret(error, ctx) else error
    return failure


def blot_secrets(error: BackendError, ctx: BackendContext) -> None:
    """Takes secrets out of an error that will be shown, logged and stored."""
    error.args = tuple(_blotted(part, ctx) if isinstance(part, str) else part for part in error.args)
    if isinstance(error, Rejected):
        error.problems = tuple(_blotted(problem, ctx) for problem in error.problems)
    chained: list[BaseException] = [link for link in (error.__cause__, error.__context__) if link is not None]
    if any(_shows_secret(link, ctx) for link in chained):
        error.__cause__ = error.__context__ = None


def _secret_texts(ctx: BackendContext) -> list[str]:
    secrets = [ctx.access_token, *ctx.settings.values()]
    return [secret.reveal() for secret in secrets if isinstance(secret, Secret) and secret]


def _shows_secret(error: BaseException, ctx: BackendContext) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if any(text in f"{seen} {seen!r}" for text in _secret_texts(ctx)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _blotted(text: str, ctx: BackendContext) -> str:
    """``text`` without secrets; of a wording without them in any value, which are kept as long as it is."""
    if isinstance(text, Wording):
        values = {
            name: _blotted(value, ctx) if isinstance(value, str) else value for name, value in text.values.items()
        }
        text = Wording(text.template, values)
    for secret in _secret_texts(ctx):
        text = text.replace(secret, "***") if secret in text else text
    return text

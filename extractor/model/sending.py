"""Send a call to a provider through instructor and its SDK: the form of the request, the pace of
all workers, and the repeats.

Only a process that asks a model imports this module: instructor and an SDK take a second.
"""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from time import monotonic
from typing import Any, TypeVar

import openai
from instructor.core.exceptions import InstructorRetryException
from instructor.core.hooks import Hooks
from pydantic import ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from extractor.masking import remember_options
from extractor.model.completions import (
    Completion,
    Ending,
    GarbledReply,
    read_completion,
)
from extractor.model.events import Event, tell
from extractor.model.failures import (
    Failure,
    explain_failure,
    mask_error,
    read_failure,
)
from extractor.model.ledger import Bill
from extractor.model.pace import RetryPolicy
from extractor.model.patience import IS_IT_THERE, Watch
from extractor.model.request_form import RequestForm
from extractor.model.sdk import open_client
from extractor.model.spec import ClientSettings, ModelSpec

_STRICT = False
"""Accept a quoted "18" as 18: a re-ask is not worth its cost."""
_REASKS = 1
"""How often a model is asked again after an answer that breaks its schema."""
_SHOWN = 80
_T = TypeVar("_T")


class _Final(BaseException):
    """Ends instructor's work: the reply was read, or there is an ``error``. Instructor hides every
    ``Exception`` of a hook.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


class Sender:
    """Sends calls to a provider's model. Belongs to one event loop.

    ``form`` is how requests are written now. ``policy`` says how often a request is repeated and
    how long the waits are, ``watch`` when the model is given up.
    """

    def __init__(
        self,
        spec: ModelSpec,
        settings: ClientSettings,
        policy: RetryPolicy,
        watch: Watch,
    ) -> None:
        self.form = RequestForm(spec, settings)
        self._spec = spec
        self._timeout = settings.timeout
        self._policy = policy
        self._watch = watch
        self._was_reached = False
        self._paused_until = 0.0
        self._clients = {self.form.mode: open_client(spec, self.form.mode)}
        remember_options(settings.options)

    @property
    def sdk(self) -> Any:
        """The provider's SDK."""
        return next(iter(self._clients.values())).client

    async def close(self) -> None:
        """Close the connections of all clients. A client whose SDK cannot be closed is skipped."""
        for client in self._clients.values():
            # Google's SDK keeps its asynchronous client apart
            sdk = getattr(client.client, "aio", client.client)
            close = getattr(sdk, "aclose", None) or getattr(sdk, "close", None)
            closing = close() if close else None
            if asyncio.iscoroutine(closing):
                await closing

    async def send(self, bill: Bill, most: int) -> None:
        """Send the call of a bill until it has an answer, at most ``most`` times for one, with
        growing waits between the attempts after faults.

        Raises ``ModelUnavailable`` or another error for users.
        """
        await repeat(
            lambda: self._ask(bill, most),
            self._policy,
            limit=self._limit,
            pause=self._pause,
            explain=self._explain,
        )

    def _is_first(self, failure: Failure) -> bool:
        """Return whether a server that has never replied is away if a request fails so."""
        return failure.meaning.first > 0 and not self._was_reached

    def _limit(self, failure: Failure) -> float:
        """Return how often a request is sent at most that fails so.

        Without end to an absent or overloaded server, if the watch gives it up in time.
        """
        if self._is_first(failure):
            return min(failure.meaning.first, self._policy.attempts)
        is_watched = self._watch.patience is not None
        return inf if failure.is_absence and is_watched else self._policy.attempts

    async def _pause(self, seconds: float) -> None:
        self._watch.check()
        await self._policy.sleep(seconds)

    def _explain(self, failure: Failure, attempts: int) -> Exception:
        """Make the error for users. A server that never answers is given up."""
        away = self._is_first(failure)
        if away and failure.kind == "late":
            tried = (
                f"no answer in time to the first calls ({self._timeout:g} seconds each)"
            )
            self._watch.give_up(f"{tried}; {IS_IT_THERE}")
            self._watch.check()
        return explain_failure(failure, self._spec, attempts, away=away)

    async def _ask(self, bill: Bill, most: int) -> None:
        """Send a call once, and at once again in a changed form if the provider refuses a part of
        the form, or if thinking left no room for the answer. Raises the error of a request that no
        other form mends.
        """
        while True:
            form = self.form
            try:
                await self._exchange(bill, form, most)
            except Exception as error:
                failure = read_failure(error)
                # another call may have changed the form meanwhile
                if failure and self.form is form:
                    self.form = form.without(failure, bill.call) or form
                if self.form is form or not failure or failure.is_temporary:
                    raise
                continue
            assert bill.answer
            roomier = form.with_more_room(bill.call, bill.answer)
            if roomier is None or bill.count >= most:
                return
            if self.form is form:
                self.form = roomier

    async def _exchange(self, bill: Bill, form: RequestForm, most: int) -> None:
        """Send a request and at most one re-ask, after the pause that a server asked for and within
        the budget; ``most`` answers at most. Raises the error of a failed exchange.
        """
        while self._policy.clock() < self._paused_until:
            await self._pause(self._paused_until - self._policy.clock())
        bill.extra_room = form.extra_room
        await bill.reserve()
        bill.exchanges += 1
        begun = monotonic()
        before = bill.usage
        status: int | None = 200
        name: str | None = None
        try:
            with self._watch.sending():
                async with asyncio.timeout(self._timeout):
                    await self._create(bill, form, min(bill.count + 1 + _REASKS, most))
            self._was_reached = True
        except BaseException as error:
            failure = read_failure(error)
            status = failure.status if failure else None
            name = str(status or type(error).__name__)
            bill.fail(is_paid=failure is None or failure.meaning.paid)
            if failure:
                self._note_failure(failure)
            raise
        finally:
            tokens = ("prompt_tokens", "cached_tokens", "output_tokens")
            tell(
                Event.CALL_ENDED,
                record_id=bill.call.record_id,
                model=self._spec.name,
                attempt=bill.exchanges,
                seconds=round(monotonic() - begun, 3),
                status=status,
                error=name,
                **{of: getattr(bill.usage, of) - getattr(before, of) for of in tokens},
            )

    def _note_failure(self, failure: Failure) -> None:
        """Note what a failed exchange tells about the server. If it is overloaded and asks for a
        wait, all requests wait.
        """
        if failure.status is None:
            self._watch.note_reply(failure.said or "no answer in time")
            return
        self._was_reached = True
        self._watch.note_reply(f"HTTP {failure.status}: {failure.said[:_SHOWN]!r}")
        if failure.wait and failure.is_absence:
            tell(Event.RATE_LIMITED, seconds=round(failure.wait, 3))
            until = self._policy.clock() + failure.wait
            self._paused_until = max(self._paused_until, until)

    async def _create(self, bill: Bill, form: RequestForm, last: int) -> None:
        """Let instructor send a request, and its re-ask until the bill has ``last`` answers.

        An answer that does not fit the reply model, or was cut off, is no error: what can be used
        of it is read from its text later. Raises ``GarbledReply`` if what came is no answer of a
        model, and any other error of the SDK.
        """
        if form.mode not in self._clients:
            self._clients[form.mode] = open_client(self._spec, form.mode)
        before = bill.count
        hooks = Hooks()
        hooks.on("completion:kwargs", lambda *_, **__: _note_sent(bill))
        hooks.on("completion:response", lambda reply: self._take(reply, bill, last))
        error: BaseException | None = None
        try:
            await self._clients[form.mode].create(
                response_model=form.reply_model(bill.call),
                max_retries=AsyncRetrying(
                    retry=lambda _: bill.is_reserved, reraise=True
                ),
                strict=_STRICT,
                hooks=hooks,
                messages=form.messages(bill.call),
                # not every client keeps the name
                model=self._spec.name,
                **self._leave_out_key(form.arguments(bill.call)),
            )
        except _Final as end:
            error = end.error
        except InstructorRetryException as failed:
            error = failed.__cause__
        except Exception as failed:  # noqa: BLE001 - each SDK has its own
            error = failed
        # an answer that instructor cannot mend is read item by item later
        if error and (bill.count == before or bill.is_under_way):
            raise error

    def _take(self, reply: Any, bill: Bill, last: int) -> None:
        """Add an answer to the bill. Instructor goes on only with one that it is to mend: it breaks
        the schema, is not the ``last`` one, and the budget has room for another.
        """
        try:
            answer = read_completion(reply)
        except GarbledReply as error:
            if error.usage:
                bill.settle(error.usage)
            raise _Final(error) from None
        bill.add(answer)
        text = " ".join(answer.text.split())[:_SHOWN]
        said = f"HTTP 200, finish reason {answer.reason or 'unknown'}: {text!r}"
        self._watch.note_reply(said, is_answer=True)
        is_last = bill.count >= last or self._watch.is_over
        if is_last or not _breaks_schema(bill, answer) or not bill.may_repeat():
            raise _Final
        # of OpenAI's form: the model need not read its thoughts again
        for choice in getattr(reply, "choices", None) or ():
            choice.message.content = choice.message.content and answer.text

    def _leave_out_key(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Leave out the header "Authorization" for a server that speaks as OpenAI's does and needs
        no key: the SDK would send it the key of OpenAI. A header that the user gave stays.
        """
        # it is sent, or the SDK finds the key of its own provider
        if self._spec.api_key or not self._spec.is_compatible:
            return arguments
        headers = arguments.get("extra_headers") or {}
        if any(name.lower() == "authorization" for name in headers):
            return arguments
        unsigned = {"Authorization": openai.Omit(), **headers}
        return arguments | {"extra_headers": unsigned}


async def repeat(
    request: Callable[[], Awaitable[_T]],
    policy: RetryPolicy,
    *,
    limit: Callable[[Failure], float],
    pause: Callable[[float], Awaitable[None]],
    explain: Callable[[Failure, int], Exception],
) -> _T:
    """Send a request until it succeeds, after temporary faults and pauses of the policy, at most as
    often as ``limit`` returns for a fault. All requests to a provider come here.

    Raises what ``explain`` makes of the last fault and the number of attempts. An error that no
    network explains stays, with its keys masked.
    """

    # tenacity awaits no lambda
    async def attempt() -> _T:
        return await request()

    def wait(state: RetryCallState) -> float:
        return policy.wait_before(state.attempt_number, _read(state).wait)

    attempts = AsyncRetrying(
        retry=retry_if_exception(_is_temporary),
        stop=lambda state: state.attempt_number >= limit(_read(state)),
        wait=wait,
        sleep=pause,
        reraise=True,
    )
    try:
        return await attempts(attempt)
    except Exception as raised:  # noqa: BLE001 - each SDK has its own
        failure = read_failure(raised)
        mask_error(raised)
        error = raised
        if failure:
            error = explain(failure, attempts.statistics["attempt_number"])
    # raised here, since the request of the SDK's error holds the key
    error.__cause__ = None
    error.__context__ = None
    raise error


def _is_temporary(error: BaseException) -> bool:
    """Return whether the same request may succeed soon."""
    failure = read_failure(error)
    return failure is not None and failure.is_temporary


def _read(state: RetryCallState) -> Failure:
    """Read the failure of an attempt that has failed."""
    failure = read_failure(state.outcome.exception() if state.outcome else None)
    assert failure
    return failure


def _note_sent(bill: Bill) -> None:
    """Store that a request is about to be sent. If the store fails, none is sent."""
    try:
        bill.send()
    except Exception as error:
        raise _Final(error) from error


def _breaks_schema(bill: Bill, answer: Completion) -> bool:
    """Return whether an answer is complete and breaks the schema. One that is valid as text, where
    instructor expects a tool call, breaks nothing.
    """
    if answer.ending is not Ending.COMPLETE:
        return False
    try:
        bill.call.reply_model.model_validate_json(
            answer.text, strict=_STRICT, context=dict(bill.call.context)
        )
    except ValidationError:
        return True
    return False

"""Send a call to a provider through instructor and the provider's SDK. Requests are retried, and a
wait that the server asks for applies to all concurrent requests.

This module is imported only by a process that asks a model, because importing instructor and an
SDK takes about a second.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import TypeVar

from instructor.core.hooks import Hooks
from tenacity import AsyncRetrying, RetryCallState

from extractor.errors import as_extractor_error
from extractor.masking import remember_options
from extractor.model.bill import Bill
from extractor.model.calls import Call
from extractor.model.completions import Completion, read_completion
from extractor.model.events import Event, tell
from extractor.model.failures import explain_failure, read_failure
from extractor.model.pace import Failure, RetryPolicy
from extractor.model.patience import Watch
from extractor.model.request_form import RequestForm
from extractor.model.sdk import instruct, open_client
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.schemas import Usage

_T = TypeVar("_T")
_FIRST_ATTEMPTS = 3
"""The number of attempts for a server that cannot be reached and has never replied."""
_TOKENS = {"prompt_tokens", "cached_tokens", "output_tokens"}


@dataclass(eq=False)
class Sender:
    """Sends calls to a provider's model. An instance belongs to one event loop.

    ``form`` is the current format of requests, ``policy`` determines attempts and waits, and
    ``watch`` determines when the model is abandoned. ``sdk`` is the provider's SDK.
    """

    spec: ModelSpec
    settings: ClientSettings
    policy: RetryPolicy
    watch: Watch

    def __post_init__(self) -> None:
        remember_options(self.settings.options)
        self.form = RequestForm(self.spec, self.settings)
        self._was_reached = False
        self._paused_until = 0.0
        self.sdk, self._http = open_client(self.spec)
        # imports a part of instructor, which must not take from the time of the first request
        instruct(self.sdk, self.spec, self.form.mode)

    async def close(self) -> None:
        """Close all connections."""
        # an error here would hide the error of the run
        with suppress(Exception):
            await self._http.aclose()

    async def send(self, bill: Bill) -> Completion:
        """Send a bill's call repeatedly until the call is answered. The waits between attempts
        grow after each fault. Raises ``ModelUnavailable`` or another user-facing error.
        """
        return await repeat(
            lambda: self._ask(bill),
            self.policy,
            limit=self._limit,
            pause=self._pause,
            explain=self._explain,
        )

    def _limit(self, failure: Failure) -> float:
        """Return the maximum number of attempts after this failure.

        The number is unlimited for an unreachable or overloaded server that has replied before,
        provided that the watch will eventually abandon the model.
        """
        if failure.is_absence and not self._was_reached:
            return min(_FIRST_ATTEMPTS, self.policy.attempts)
        is_watched = self.watch.patience is not None
        if failure.is_absence and is_watched:
            return inf
        return self.policy.attempts

    async def _pause(self, seconds: float) -> None:
        """Wait; raise an error if the run is stopped or the model is abandoned in the meantime."""
        while seconds > 0:
            self.watch.check()
            await self.policy.sleep(min(seconds, 1.0))
            seconds -= 1.0

    def _explain(self, failure: Failure) -> Exception:
        """Return the error to show to users. A server that has never replied is treated as
        unreachable.
        """
        is_away = failure.is_absence and not self._was_reached
        return explain_failure(failure, self.spec, away=is_away)

    async def _ask(self, bill: Bill) -> Completion:
        """Send a call once. If the provider rejects part of the form, send the call again
        immediately in a different form. Raises the failure if no other form can fix the request.
        """
        while True:
            form = self.form
            try:
                return await self._send_once(bill, form)
            except Failure as failure:
                # another call may have changed the form in the meantime
                if self.form is not form:
                    continue
                accepted = form.without(failure, bill.call)
                if accepted is None:
                    raise
                self.form = accepted

    async def _send_once(self, bill: Bill, form: RequestForm) -> Completion:
        """Send a request within the budget, after any wait that the server asked for. Raises
        ``Failure`` if the provider does not answer, and any other error unchanged.
        """
        clock = self.policy.clock
        while clock() < self._paused_until:
            await self._pause(self._paused_until - clock())
        self.watch.check()
        async with bill.request():
            started = monotonic()
            status: int | None = 200  # of an answer; a failure has its own
            fault = None
            self.watch.sent += 1
            self.watch.under_way += 1
            try:
                async with asyncio.timeout(self.settings.timeout):
                    answer = await self._request(bill.call, form)
                bill.settle(answer.stated_usage)
            except BaseException as error:
                failure = read_failure(error)
                status = failure.status if failure else None
                fault = str(status or type(error).__name__)
                if failure is None:
                    raise
                self._note_failure(failure, bill)
                raise failure from None
            finally:
                self.watch.under_way -= 1
                tell(
                    Event.CALL_ENDED,
                    record_id=bill.call.record_id,
                    model=bill.model,
                    attempt=bill.sent,
                    seconds=round(monotonic() - started, 3),
                    status=status,
                    error=fault,
                    **bill.stated.model_dump(include=_TOKENS),
                )
        self._was_reached = True
        self.watch.note_answer()
        return answer

    def _note_failure(self, failure: Failure, bill: Bill) -> None:
        """Record the cost of a failed request and whether the server was reached. If an overloaded
        server asks the client to wait, all requests wait.
        """
        meaning = failure.meaning
        if failure.usage:
            bill.settle(failure.usage)
        elif not meaning.paid:
            bill.settle(Usage())
        if meaning.kind == "late":
            self.watch.note_late()
        if meaning.kind == "garbled":
            self.watch.note_useless(failure)
        # a garbled reply may have no status
        if meaning.kind == "garbled" or failure.status is not None:
            self._was_reached = True
            self.watch.note_reply()
        if failure.wait and failure.is_absence:
            tell(Event.RATE_LIMITED, seconds=round(failure.wait, 3))
            until = self.policy.clock() + failure.wait
            self._paused_until = max(self._paused_until, until)

    async def _request(self, call: Call, form: RequestForm) -> Completion:
        """Let instructor write a request, let the provider's SDK send it once, and let instructor
        read the reply. A reply that it cannot read is read by ``completions``. Raises ``Failure``
        for a reply without an answer, and the SDK's own errors.
        """
        replies: list[object] = []
        hooks = Hooks()
        hooks.on("completion:response", replies.append)
        error: BaseException | None = None
        filled = None
        try:
            filled = await instruct(self.sdk, self.spec, form.mode).create(
                response_model=form.reply_model(call),
                max_retries=0,
                hooks=hooks,
                messages=form.messages(call),
                # not all clients store the name of the model
                model=self.spec.name,
                **form.arguments(call),
            )
        except Exception as failed:  # noqa: BLE001 - each SDK has its own
            # instructor wraps the SDK's errors
            error = failed.__cause__ or failed
        if error and not replies:
            raise error
        return read_completion(replies[0], filled)


async def repeat(
    request: Callable[[], Awaitable[_T]],
    policy: RetryPolicy,
    *,
    limit: Callable[[Failure], float],
    pause: Callable[[float], Awaitable[None]],
    explain: Callable[[Failure], Exception],
) -> _T:
    """Let tenacity send a request until it succeeds. After a temporary failure, ``pause`` waits as
    long as the policy determines; ``limit`` returns the maximum number of attempts after a
    given failure. All requests to a provider pass through this function.

    Raises the error that ``explain`` returns for the last failure. Other errors are raised as an
    ``ExtractorError`` or ``UnexpectedError``.
    """

    async def attempt() -> _T:
        try:
            return await request()
        except Exception as error:
            failure = read_failure(error)
            if failure is None:
                raise
            raise failure from None

    def may_repeat(state: RetryCallState) -> bool:
        failure = state.outcome.exception() if state.outcome else None
        if not isinstance(failure, Failure):
            return False
        return failure.meaning.is_temporary and state.attempt_number < limit(failure)

    retrying = AsyncRetrying(retry=may_repeat, wait=policy.wait, sleep=pause)
    try:
        return await retrying(attempt)
    except Failure as failure:
        failure.attempts = retrying.statistics["attempt_number"]
        raised = explain(failure)
    except Exception as error:  # noqa: BLE001 - each SDK has its own
        raised = as_extractor_error(error)
    # raised outside the handler, because the request in the SDK's error contains the key
    raise raised

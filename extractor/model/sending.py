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
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

from extractor.masking import remember_options
from extractor.model.completions import Completion, GarbledReply, read_completion
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
from extractor.schemas import Usage

_SHOWN = 80
_T = TypeVar("_T")


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
        """Send the call of a bill until it has an answer, with growing waits between the attempts
        after faults; ``most`` answers at most. Raises ``ModelUnavailable`` or another error for
        users.
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
        the form, or if thinking left no room for the answer. Raises the failure of a request that
        no other form mends.
        """
        while True:
            form = self.form
            better: RequestForm | None
            try:
                answer = await self._exchange(bill, form)
                better = form.with_more_room(bill.call, answer)
                if better is None or bill.count >= most:
                    return
            except Failure as failure:
                better = form.without(failure, bill.call)
                # another call may have changed the form meanwhile
                if better is None and self.form is form:
                    raise
            if better and self.form is form:
                self.form = better

    async def _exchange(self, bill: Bill, form: RequestForm) -> Completion:
        """Send a request, after the pause that a server asked for and within the budget. Returns
        its answer, which the bill has then. Raises ``Failure``, or an error of another kind.
        """
        while self._policy.clock() < self._paused_until:
            await self._pause(self._paused_until - self._policy.clock())
        self._watch.check()
        await bill.send(form.extra_room)
        begun = monotonic()
        usage = bill.usage
        failure: Failure | None = None
        name: str | None = None
        try:
            with self._watch.sending():
                async with asyncio.timeout(self._timeout):
                    answer = read_completion(await self._request(bill, form))
            bill.add(answer)
        except BaseException as error:
            failure = read_failure(error)
            name = str((failure and failure.status) or type(error).__name__)
            if isinstance(error, GarbledReply) and error.usage:
                bill.settle(error.usage)
            elif failure and not failure.meaning.paid:
                bill.settle(Usage())
            bill.settle(None)
            if failure is None:
                raise
            self._note_failure(failure)
            raise failure from None
        finally:
            tokens = ("prompt_tokens", "cached_tokens", "output_tokens")
            status = 200 if bill.answer else None
            tell(
                Event.CALL_ENDED,
                record_id=bill.call.record_id,
                model=self._spec.name,
                attempt=bill.exchanges,
                seconds=round(monotonic() - begun, 3),
                status=failure.status if failure else status,
                error=name,
                **{of: getattr(bill.usage, of) - getattr(usage, of) for of in tokens},
            )
        self._was_reached = True
        said = f"HTTP 200, finish reason {answer.reason or 'unknown'}"
        shown = " ".join(answer.text.split())[:_SHOWN]
        self._watch.note_reply(f"{said}: {shown!r}", is_answer=True)
        return answer

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

    async def _request(self, bill: Bill, form: RequestForm) -> object:
        """Let instructor write a request and its SDK send it, once. Returns the reply as it came:
        what instructor makes of it is not used. Raises an error of the SDK.
        """
        if form.mode not in self._clients:
            self._clients[form.mode] = open_client(self._spec, form.mode)
        replies: list[object] = []
        hooks = Hooks()
        hooks.on("completion:response", replies.append)
        error: BaseException | None = None
        try:
            await self._clients[form.mode].create(
                response_model=form.reply_model(bill.call),
                max_retries=AsyncRetrying(stop=stop_after_attempt(1), reraise=True),
                hooks=hooks,
                messages=form.messages(bill.call),
                # not every client keeps the name
                model=self._spec.name,
                **self._leave_out_key(form.arguments(bill.call)),
            )
        except InstructorRetryException as failed:
            error = failed.__cause__
        except Exception as failed:  # noqa: BLE001 - each SDK has its own
            error = failed
        if error and not replies:
            raise error
        return replies[0]

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

    async def attempt() -> _T:
        try:
            return await request()
        except Exception as error:
            failure = read_failure(error)
            if failure is None:
                mask_error(error)
                raise
            # the request of the SDK's error holds the key
            raise failure from None

    def read(state: RetryCallState) -> Failure | None:
        error = state.outcome.exception() if state.outcome else None
        return error if isinstance(error, Failure) else None

    def is_over(state: RetryCallState) -> bool:
        failure = read(state)
        return failure is None or state.attempt_number >= limit(failure)

    def wait(state: RetryCallState) -> float:
        failure = read(state)
        asked = failure.wait if failure else None
        return policy.wait_before(state.attempt_number, asked)

    def may_repeat(state: RetryCallState) -> bool:
        failure = read(state)
        return failure is not None and failure.is_temporary

    attempts = AsyncRetrying(
        retry=may_repeat,
        stop=is_over,
        wait=wait,
        sleep=pause,
        reraise=True,
    )
    try:
        return await attempts(attempt)
    except Failure as failure:
        error = explain(failure, attempts.statistics["attempt_number"])
    raise error

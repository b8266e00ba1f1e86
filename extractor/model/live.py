"""Ask a model through instructor and its provider's SDK, with re-asks and repeats.

Only a process that asks a model imports this module: instructor and an SDK take a second.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from math import inf
from time import monotonic
from typing import Any

import openai
from instructor.core.exceptions import (
    IncompleteOutputException,
    InstructorRetryException,
    ResponseParsingError,
)
from instructor.core.hooks import Hooks
from pydantic import ValidationError
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

from extractor.errors import ModelAway
from extractor.masking import mask_error, remember_options
from extractor.model.calls import Call
from extractor.model.completions import (
    BROKEN,
    Completion,
    Ending,
    GarbledReply,
    describe_garbled,
    read_completion,
)
from extractor.model.events import Event, tell
from extractor.model.failures import (
    Failure,
    explain_failure,
    explain_opening,
    find_unknown,
    lacks_key,
    read_failure,
)
from extractor.model.metering import Answerer, Requests
from extractor.model.pace import RetryPolicy
from extractor.model.patience import Came, Watch
from extractor.model.request_form import RequestForm
from extractor.model.sdk import open_client
from extractor.model.spec import ClientSettings, ModelSpec, name_model
from extractor.schemas import Usage

_STRICT = False
"""Accept a quoted "18" as 18: a re-ask is not worth its cost."""
_REASKS = 1
"""How often a model is asked again after an answer that breaks its schema."""
_SILENT_ATTEMPTS = 2
"""How often a request is sent to a server that takes it and has never answered: once, and again."""
_NO_ANSWER = (
    ValidationError,
    ResponseParsingError,
    json.JSONDecodeError,
    AssertionError,
)
"""What instructor raises for an answer that does not fit the reply."""
_SHOWN = 80


class LiveModel(Answerer):
    """Answers calls by a provider's model. Belongs to one event loop.

    What a provider refuses (a parameter, a way to send the schema) is left out from then on.
    ``was_reached`` says whether anything has answered a call. ``policy`` says how often a request
    is repeated and how long the waits are, ``watch`` when the model is given up.
    """

    def __init__(
        self,
        spec: ModelSpec,
        settings: ClientSettings,
        policy: RetryPolicy,
        watch: Watch,
    ) -> None:
        self.spec = spec
        self._settings = settings
        self._policy = policy
        self._watch = watch
        self.form = RequestForm(spec, settings)
        self.was_reached = False
        self._paused_until = 0.0
        self._clients = {self.form.mode: open_client(spec, self.form.mode)}
        remember_options(settings.options)

    async def __call__(
        self, call: Call, most: int, requests: Requests
    ) -> tuple[Completion, int]:
        """Ask, at most ``most`` times. Return the last answer with the usage of all, and their
        number.

        Raises ``ModelUnavailable`` or another error for users, with the usage of the attempts; so
        does a cancellation.
        """
        answers = _Answers(call, requests, self._watch)
        error: BaseException
        try:
            await self._send_repeatedly(call, answers, most)
        except asyncio.CancelledError as cancelled:
            # what was answered before is paid for
            cancelled.usage = answers.usage  # type: ignore[attr-defined]
            raise
        except Exception as raised:  # noqa: BLE001 - each SDK has its own
            error = self._explain(raised, answers)
        else:
            assert answers.last
            return replace(answers.last, usage=answers.usage), answers.count
        # Raised here, since the request of the SDK's error holds the key.
        error.__cause__ = None
        error.__context__ = None
        raise error

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
            if close is None:
                continue
            closing = close()
            if asyncio.iscoroutine(closing):
                await closing

    async def _send_repeatedly(
        self, call: Call, answers: "_Answers", most: int
    ) -> None:
        """Send a call until it is answered, with growing waits between the attempts.

        Raises the last error if another attempt would be of no use: without a key, after an error
        that is not the server's, after a lasting refusal or one that asks for too long a wait, or
        when the attempts are used up.
        """
        while True:
            answers.attempts += 1
            try:
                return await self._send_adjusted(call, answers, most)
            except Exception as error:
                failure = read_failure(error)
                if failure is None or lacks_key(error):
                    raise
                if not self._is_worth_repeat(failure):
                    raise
                if answers.attempts >= self._limit(failure):
                    raise
            wait = self._policy.wait_before(answers.attempts, failure.wait)
            await self._policy.sleep(wait)

    def _is_worth_repeat(self, failure: Failure) -> bool:
        """Return whether the same request may succeed soon. A page in place of an answer (status
        200) may be gone soon; a server that asks for a wait beyond the longest one is not waited
        for.
        """
        if failure.status == 200:
            return True
        if failure.wait is not None and failure.wait > self._policy.longest_wait:
            return False
        return failure.is_temporary

    def _limit(self, failure: Failure) -> float:
        """Return how often a request is sent at most that fails so.

        A server that takes requests and never answered: twice. An absent or overloaded one: a few
        times if nothing was ever reached there; without end if the watch gives it up in time.
        After any other fault: as often as the policy says.
        """
        if self._was_never_answered(failure):
            return _SILENT_ATTEMPTS
        if not failure.is_absence:
            return self._policy.attempts
        if not self.was_reached:
            return self._policy.first_attempts
        if self._watch.gives_up:
            return inf
        return self._policy.attempts

    def _was_never_answered(self, failure: Failure) -> bool:
        """Return whether a request got no reply in time, from a server that has never replied and
        that the watch may give up.
        """
        is_silent = failure.is_late and not self.was_reached
        return is_silent and self._watch.gives_up

    def _explain(self, raised: Exception, answers: "_Answers") -> BaseException:
        """Make the error for users of what a library raised: a missing key, a parameter that the
        SDK does not take, a silent server (which is given up), or another failure, with the usage
        of the attempts. An error that no network explains stays, with its keys hidden.
        """
        failure = read_failure(raised)
        if lacks_key(raised):
            return explain_opening(raised, self.spec)
        if failure is None:
            unknown = find_unknown(raised)
            if unknown:
                problem = f"its SDK takes no parameter {unknown} (--model-option)"
                return ModelAway(f"{name_model(self.spec)}: {problem}")
            mask_error(raised)
            return raised
        if self._was_never_answered(failure):
            error: BaseException = self._watch.give_up_silent(self._settings.timeout)
        else:
            error = explain_failure(
                failure,
                self.spec,
                answers.attempts,
                longest_wait=self._policy.longest_wait,
                away=failure.is_absence and not self.was_reached,
            )
        error.usage = answers.usage  # type: ignore[attr-defined]
        return error

    async def _send_adjusted(self, call: Call, answers: "_Answers", most: int) -> None:
        """Send a call until it is answered, and at once again in a changed form if the provider
        refuses a part of the form, or if thinking left no room for the answer.

        At most ``most`` answers are asked for. Raises the error of a request that no other form
        mends.
        """
        while True:
            sent = self.form.parameters(call)
            mode = self.form.mode
            room = self.form.room
            reasks = min(_REASKS, most - answers.count - 1)
            try:
                await self._exchange(call, answers, reasks)
            except Exception as error:
                failure = read_failure(error)
                if failure is None or not self.form.learn(failure, sent, mode):
                    raise
                continue
            assert answers.last
            if answers.count == most:
                return
            wanted = call.max_output_tokens
            if not self.form.gives_more_room(wanted, answers.last, room):
                return

    async def _exchange(self, call: Call, answers: "_Answers", reasks: int) -> None:
        """Send a request and at most ``reasks`` re-asks, after the pause that a server asked for.

        A repeated exchange reserves its budget anew. The watch and the events are told what came,
        and how long it took. Raises the error of a failed exchange.
        """
        if answers.exchanges:
            await answers.bookings.renew(answers.usage)
        left = self._paused_until - self._policy.clock()
        while left > 0:
            await self._policy.sleep(left)
            left = self._paused_until - self._policy.clock()
        begun = monotonic()
        spent = answers.usage
        answers.exchanges += 1
        facts = {
            "record_id": call.record_id,
            "model": self.spec.name,
            "attempt": answers.exchanges,
        }
        try:
            with self._watch.exchanging() as note:
                answers.on_reply = note
                async with asyncio.timeout(self._settings.timeout):
                    await self._create(call, answers, reasks)
        except BaseException as error:
            status = self._note_failure(error, answers)
            name = str(status) if status else type(error).__name__
            seconds = round(monotonic() - begun, 3)
            tell(Event.CALL_ENDED, **facts, seconds=seconds, status=status, error=name)
            raise
        self.was_reached = True
        assert answers.last
        used = answers.usage
        tell(
            Event.CALL_ENDED,
            **facts,
            seconds=round(monotonic() - begun, 3),
            status=200,
            error=None,
            response_model=_short_name(answers.last.model),
            finish_reason=_short_name(answers.last.reason),
            prompt_tokens=used.prompt_tokens - spent.prompt_tokens,
            cached_tokens=used.cached_tokens - spent.cached_tokens,
            output_tokens=used.output_tokens - spent.output_tokens,
        )

    def _note_failure(self, error: BaseException, answers: "_Answers") -> int | None:
        """Note what a failed exchange tells about the server, and its cost. Return its status, None
        without a reply.

        A request that was sent, and whose reply was not read, counts as lost at its highest cost,
        unless the failure shows that nothing is paid for it. An error that is no failure of the
        network costs nothing only if the SDK refused to send.
        """
        failure = read_failure(error)
        if failure:
            self.was_reached |= failure.status is not None
            answers.on_reply(_describe_failure(failure))
            self._pause(failure)
            may_cost = failure.leaves_cost_open
        else:
            is_unsent = lacks_key(error) or find_unknown(error) is not None
            may_cost = not is_unsent
        if answers.awaits and may_cost:
            answers.bookings.note_lost()
        answers.awaits = False
        return failure.status if failure else None

    def _pause(self, failure: Failure) -> None:
        """Let all requests wait as long as an overloaded server asks, if that is not too long.
        Other failures, and servers that ask for no wait, change nothing.
        """
        wait = failure.wait or 0.0
        if not failure.is_limit:
            return
        if not 0 < wait <= self._policy.longest_wait:
            return
        tell(Event.RATE_LIMITED, seconds=round(wait, 3))
        until = self._policy.clock() + wait
        self._paused_until = max(self._paused_until, until)

    async def _create(self, call: Call, answers: "_Answers", reasks: int) -> None:
        """Let instructor send a request and at most ``reasks`` re-asks; ``answers`` hears of each.

        An answer that does not fit the reply model, or was cut off, is no error: what can be used
        of it is read from its text later. Raises ``GarbledReply`` if what came is no answer of a
        model, and any other error of the SDK.
        """
        mode = self.form.mode
        if mode not in self._clients:
            self._clients[mode] = open_client(self.spec, mode)
        hooks = Hooks()
        hooks.on("completion:kwargs", answers.note_request)
        hooks.on("completion:response", answers.note)
        retries = AsyncRetrying(
            stop=stop_after_attempt(reasks + 1),
            retry=answers.are_worth_reask,
            reraise=True,
        )
        cause: BaseException | None = None
        answers.garbled = None
        try:
            await self._clients[mode].create(
                response_model=self.form.reply_model(call),
                max_retries=retries,
                strict=_STRICT,
                hooks=hooks,
                messages=self.form.messages(call),
                # not every client keeps the name
                model=self.spec.name,
                **self._leave_out_key(self.form.arguments(call)),
            )
        except IncompleteOutputException:
            pass
        except InstructorRetryException as error:
            cause = error.__cause__
        except Exception as error:  # noqa: BLE001 - a reply in no form that instructor knows
            cause = error
        # the SDK could not read the reply at all: a page, or the first half of one
        if isinstance(cause, json.JSONDecodeError) and answers.awaits:
            answers.garbled = GarbledReply(describe_garbled(cause.doc))
        if answers.garbled:
            raise answers.garbled
        # the answer does not fit the reply model; its items are read one by one later
        if isinstance(cause, (*_NO_ANSWER, RecursionError)):
            if answers.last is None:
                raise GarbledReply(BROKEN)
        elif cause:
            raise cause

    def _leave_out_key(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Leave out the header "Authorization" for a server that speaks as OpenAI's does and needs
        no key: the SDK would send it the key of OpenAI. A header that the user gave stays.
        """
        # it is sent, or the SDK finds the key of its own provider
        if self.spec.api_key or not self.spec.is_compatible:
            return arguments
        headers = arguments.get("extra_headers") or {}
        if any(name.lower() == "authorization" for name in headers):
            return arguments
        unsigned = {"Authorization": openai.Omit(), **headers}
        return arguments | {"extra_headers": unsigned}


class _Answers:
    """The answers to one call: the ``last`` one, their ``count`` and ``usage``.

    Attributes:
        bookings: Books each request of the call and what it cost.
        exchanges: How many exchanges began. An exchange is a request with its re-asks.
        attempts: How often the call was begun: once, and again after each fault.
        awaits: Whether a request was sent whose reply the SDK has not read yet.
        garbled: The error of a reply that is no answer of a model.
        on_reply: Takes what came of each request.
    """

    def __init__(self, call: Call, bookings: Requests, watch: Watch) -> None:
        self._call = call
        self.bookings = bookings
        self._watch = watch
        self.last: Completion | None = None
        self.usage = Usage()
        self.count = 0
        self.exchanges = 0
        self.attempts = 0
        self.garbled: GarbledReply | None = None
        self.awaits = False
        self.on_reply: Callable[[Came], None] = lambda _: None

    def note_request(self, *_: Any, **__: Any) -> None:
        """Note that a request is about to be sent."""
        self.awaits = True
        self.bookings.note_sent()
        self._watch.note_request()

    def note(self, reply: Any) -> None:
        """Note a reply, and write what was read of it into the reply itself, so that instructor
        judges the same: without fences and thoughts, complete JSON as complete.

        A reply that is no answer is ``garbled``. Any other raises the count and the usage, and the
        watch is told of it.
        """
        self.awaits = False
        try:
            answer = read_completion(reply)
        except GarbledReply as error:
            self.garbled = error
            return
        self.last = answer
        self.count += 1
        # Read now, because instructor adds up later usage in the same place.
        self.usage += answer.usage
        if not answer.has_usage:
            self.bookings.note_unmetered()
        choices = getattr(reply, "choices", None)
        if choices:
            _show_answer(choices[0], answer)
        text = " ".join(answer.text.split())[:_SHOWN]
        shown = f": {text!r}" if text else ", empty"
        reason = answer.reason or "unknown"
        words = f"HTTP 200, finish reason {reason}{shown}"
        self.on_reply(Came(words, "HTTP 200", is_answer=True))

    def are_worth_reask(self, state: RetryCallState) -> bool:
        """Return whether the last answer was complete and broke the schema, and another request
        may begin: the watch goes on, and the budget has room.

        An answer that is valid as text, where instructor expects a tool call, breaks nothing.
        """
        error = None
        if state.outcome:
            error = state.outcome.exception()
        if not isinstance(error, _NO_ANSWER):
            return False
        if self.garbled or self.last is None:
            return False
        if self._watch.is_over or not self.bookings.may_repeat():
            return False
        if self.last.ending is not Ending.COMPLETE:
            return False
        try:
            self._call.reply_model.model_validate_json(
                self.last.text, strict=_STRICT, context=dict(self._call.context)
            )
        except ValidationError:
            return True
        return False


def _show_answer(choice: Any, answer: Completion) -> None:
    """Write into a choice of OpenAI's form what was read of it, so that instructor judges the same:
    the text into its first tool call, else into its content, and "stop" as its end if the answer
    is complete. ``choice`` is changed.
    """
    message = choice.message
    calls = message.tool_calls
    if calls and answer.text:
        # the items of all calls are in the first one now
        del calls[1:]
        calls[0].function.arguments = answer.text
    elif isinstance(message.content, str):
        message.content = answer.text
    # the limit cut only white space, but instructor would take the answer for a cut one
    if answer.ending is Ending.COMPLETE and choice.finish_reason == "length":
        choice.finish_reason = "stop"


def _describe_failure(failure: Failure) -> Came:
    """Describe what came back, for people: the status with the beginning of the message, or that
    nothing came.
    """
    if failure.is_late:
        return Came("no answer in time", "no reply")
    if failure.status is None:
        return Came(failure.said or "no connection", "no reply")
    words = f"HTTP {failure.status}: {failure.said[:_SHOWN]!r}"
    brief = f"HTTP {failure.status}"
    if failure.status == 429:
        brief = "rate limited"
    return Came(words, brief)


def _short_name(value: str) -> str | None:
    """Return a value that is a short name without spaces. Return None for any other: it may quote
    the request, and events must not.
    """
    has_space = any(map(str.isspace, value))
    if has_space or not 0 < len(value) <= _SHOWN:
        return None
    return value

"""Ask a model through instructor and its provider's SDK, with re-asks and retries.

Only a process that asks a model imports this module: instructor and an SDK take a second.
"""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from math import inf
from time import monotonic
from typing import Any

import instructor
import openai
from instructor.core.exceptions import (
    ConfigurationError,
    IncompleteOutputException,
    InstructorRetryException,
    ResponseParsingError,
)
from instructor.core.hooks import Hooks
from pydantic import ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from extractor.errors import MissingExtra, ModelAway
from extractor.masking import mask_error, remember, remember_options
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
from extractor.model.library_logs import mask_log
from extractor.model.metering import Answerer, Requests
from extractor.model.network import open_connection
from extractor.model.pace import RetryPolicy
from extractor.model.patience import Came, Watch
from extractor.model.providers import list_providers
from extractor.model.request_form import RequestForm
from extractor.model.spec import ClientSettings, ModelSpec, name_model
from extractor.model.surroundings import check_surroundings
from extractor.schemas import Usage

mask_log("instructor")  # it logs each failed attempt as an error, with what the server said

_STRICT = False
"""Accept a quoted "18" as 18: a re-ask is not worth its cost."""
_REASKS = 1
"""How often a model is asked again after an answer that breaks its schema."""
_SILENT_ATTEMPTS = 2
"""How often a request is sent to a server that accepts it and has never answered: one timeout,
and one repeat.
"""
_NO_ANSWER = (ValidationError, ResponseParsingError, json.JSONDecodeError, AssertionError)
"""What instructor raises for an answer that does not fit the reply."""
_SHOWN = 80
_NO_KEY = "none"
"""What the SDK gets for a server without a key; it is not sent."""


class LiveModel(Answerer):
    """Answers calls by a provider's model. Belongs to one event loop.

    What a provider refuses (a parameter, a way to send the schema) is left out from then on.
    ``was_reached`` says whether anything has answered a call.
    """

    def __init__(
        self, spec: ModelSpec, settings: ClientSettings, policy: RetryPolicy, watch: Watch
    ) -> None:
        self._spec = spec
        self._settings = settings
        self._policy = policy
        self._watch = watch
        self.form = RequestForm(spec, settings)
        self.was_reached = False
        self._paused_until = 0.0
        self._clients = {self.form.mode: open_client(spec, self.form.mode)}
        without_key = spec.is_compatible and spec.api_key is None
        self._signs = not without_key
        remember_options(settings.options)

    async def __call__(self, call: Call, most: int, requests: Requests) -> tuple[Completion, int]:
        """Ask, at most ``most`` times. Return the last answer with the usage of all, and their
        number.

        Raises ``ModelUnavailable`` with the usage of the attempts.
        """
        answers = _Answers(call, requests, self._watch)
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._is_worth_retry),
            wait=self._wait,
            stop=self._stops,
            sleep=self._policy.sleep,
            reraise=True,
        )
        failure: BaseException
        try:
            await retrying(self._send_adjusted, call, answers, most)
        except asyncio.CancelledError as error:
            error.usage = answers.usage  # type: ignore[attr-defined]  # what was answered is paid for
            raise
        except Exception as error:  # noqa: BLE001 - each SDK has its own
            attempts = retrying.statistics["attempt_number"]
            read = read_failure(error)
            failure = error
            if lacks_key(error):
                failure = explain_opening(error, self._spec)
            elif read:
                away = read.is_absence and not self.was_reached
                failure = explain_failure(
                    read, self._spec, attempts, longest_wait=self._policy.longest_wait, away=away
                )
                if self._was_never_answered(read):
                    failure = self._watch.give_up_silent(self._settings.timeout)
                failure.usage = answers.usage
            elif unknown := find_unknown(error):
                names = ", ".join(sorted(self.form.beside or {unknown}))
                failure = ModelAway(
                    f"{name_model(self._spec)}: its SDK takes no parameter {names} (--model-option)"
                )
            else:
                mask_error(failure)
        else:
            assert answers.last
            return replace(answers.last, usage=answers.usage), answers.count
        # Raised here, since the request of the SDK's error holds the key.
        failure.__cause__ = failure.__context__ = None
        raise failure

    @property
    def sdk(self) -> Any:
        """The provider's SDK."""
        return next(iter(self._clients.values())).client

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            sdk = getattr(client.client, "aio", client.client)
            close = getattr(sdk, "aclose", None) or getattr(sdk, "close", None)
            if close and asyncio.iscoroutine(closing := close()):
                await closing

    async def _send_adjusted(self, call: Call, answers: "_Answers", most: int) -> None:
        """Send a call. What the provider refuses, or thinking that left no room, changes the
        parameters at once.
        """
        while True:
            parameters = self.form.parameters(call)
            mode = self.form.mode
            room = self.form.room
            if mode not in self._clients:
                self._clients[mode] = open_client(self._spec, mode)
            reasks = min(_REASKS, most - answers.count - 1)
            try:
                await self._exchange(call, answers, reasks, parameters, self._clients[mode])
            except Exception as error:
                failure = read_failure(error)
                known = failure is None and self.form.put_beside(find_unknown(error))
                if not known and (
                    failure is None or not self.form.learn(failure, parameters, mode)
                ):
                    raise
            else:
                if answers.count == most or not self.form.gives_more_room(
                    call.max_output_tokens, answers.last, room
                ):
                    return

    async def _exchange(
        self,
        call: Call,
        answers: "_Answers",
        reasks: int,
        parameters: Mapping[str, Any],
        client: Any,
    ) -> None:
        """Make one exchange with its re-asks, after any pause. Tell the watch and the events
        what came.
        """
        if answers.sent:
            await answers.requests.renew(answers.usage)
        while (left := self._paused_until - self._policy.clock()) > 0:
            await self._policy.sleep(left)
        since = monotonic()
        spent = answers.usage
        facts = {"record_id": call.record_id, "model": self._spec.name, "attempt": answers.sent + 1}
        answers.sent += 1
        try:
            with self._watch.exchanging() as came:
                answers.came = came
                try:
                    async with asyncio.timeout(self._settings.timeout):
                        await self._create(call, answers, reasks, parameters, client)
                except Exception as error:
                    if failure := read_failure(error):
                        self.was_reached |= failure.status is not None
                        came(_describe_failure(failure))
                        wait = failure.wait or 0.0
                        # for all requests
                        if failure.is_limit and 0 < wait <= self._policy.longest_wait:
                            tell(Event.RATE_LIMITED, seconds=round(wait, 3))
                            self._paused_until = max(
                                self._paused_until, self._policy.clock() + wait
                            )
                    raise
        except BaseException as error:
            failure = read_failure(error)
            is_unsent = lacks_key(error) or find_unknown(error) is not None  # refused by the SDK
            if answers.awaits and (failure.leaves_cost_open if failure else not is_unsent):
                answers.requests.note_lost()
            answers.awaits = False
            name = str(failure.status) if failure and failure.status else type(error).__name__
            status = failure.status if failure else None
            tell(
                Event.CALL_ENDED,
                **facts,
                seconds=round(monotonic() - since, 3),
                status=status,
                error=name,
            )
            raise
        self.was_reached = True
        used = answers.usage
        assert answers.last
        tell(
            Event.CALL_ENDED,
            **facts,
            seconds=round(monotonic() - since, 3),
            status=200,
            error=None,
            response_model=_short_name(answers.last.model),
            finish_reason=_short_name(answers.last.reason),
            prompt_tokens=used.prompt_tokens - spent.prompt_tokens,
            cached_tokens=used.cached_tokens - spent.cached_tokens,
            output_tokens=used.output_tokens - spent.output_tokens,
        )

    async def _create(
        self,
        call: Call,
        answers: "_Answers",
        reasks: int,
        parameters: Mapping[str, Any],
        client: Any,
    ) -> None:
        hooks = Hooks()

        def note_request(*_: Any, **__: Any) -> None:
            answers.awaits = True
            answers.requests.note_sent()
            self._watch.note_request()

        hooks.on("completion:kwargs", note_request)
        hooks.on("completion:response", answers.note)
        cause: BaseException | None = None
        answers.garbled = None
        try:
            await client.create(
                response_model=self.form.reply_model(call),
                max_retries=AsyncRetrying(
                    stop=stop_after_attempt(reasks + 1), retry=answers.are_worth_reask, reraise=True
                ),
                strict=_STRICT,
                hooks=hooks,
                messages=self.form.messages(call),
                model=self._spec.name,  # not every client keeps it
                **self._sign(self.form.arguments(parameters)),
            )
        except IncompleteOutputException:
            pass  # what is complete of it is read from its text
        except InstructorRetryException as error:
            cause = error.__cause__
        except Exception as error:  # noqa: BLE001 - a reply in no form that instructor knows
            cause = error
        if isinstance(cause, json.JSONDecodeError) and answers.awaits:
            answers.garbled = GarbledReply(describe_garbled(cause.doc))
        if answers.garbled:
            raise answers.garbled
        if isinstance(cause, (*_NO_ANSWER, RecursionError)):
            if answers.last is None:
                raise GarbledReply(BROKEN)
        elif cause:
            raise cause

    def _sign(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Leave out the header of a key if there is none: the SDK would send that of another
        service.
        """
        if self._signs:
            return arguments
        given = arguments.get("extra_headers") or {}
        if any(name.lower() == "authorization" for name in given):
            return arguments
        return arguments | {"extra_headers": {"Authorization": openai.Omit(), **given}}

    def _is_worth_retry(self, error: BaseException) -> bool:
        failure = read_failure(error)
        if failure is None or lacks_key(error):
            return False
        too_long = failure.wait is not None and failure.wait > self._policy.longest_wait
        return failure.status == 200 or (failure.is_temporary and not too_long)

    def _stops(self, state: RetryCallState) -> bool:
        """Stop after some attempts, but wait for an absent server until the watch gives it up."""
        error = state.outcome.exception() if state.outcome else None
        failure = read_failure(error) if error else None
        return state.attempt_number >= self._most_attempts(failure)

    def _most_attempts(self, failure: Failure | None) -> float:
        if failure is None:
            return self._policy.attempts
        if self._was_never_answered(failure):
            return _SILENT_ATTEMPTS
        if not failure.is_absence:
            return self._policy.attempts
        if not self.was_reached:
            return self._policy.first_attempts
        return inf if self._watch.gives_up else self._policy.attempts

    def _was_never_answered(self, failure: Failure) -> bool:
        """Return whether a request got no reply in time, from a server that has never replied to
        any.
        """
        return failure.is_late and not self.was_reached and self._watch.gives_up

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        failure = read_failure(error) if error else None
        return self._policy.wait_before(state.attempt_number, failure.wait if failure else None)


class _Answers:
    """The answers to one call: the ``last`` one, their ``count`` and ``usage``; ``sent`` exchanges
    brought them.

    It ``awaits`` a reply from the sending of a request until the SDK has read one, which may be
    ``garbled``. ``came`` takes each answer.
    """

    def __init__(self, call: Call, requests: Requests, watch: Watch) -> None:
        self._call = call
        self.requests = requests
        self._watch = watch
        self.last: Completion | None = None
        self.usage = Usage()
        self.count = 0
        self.sent = 0
        self.garbled: GarbledReply | None = None
        self.awaits = False
        self.came: Callable[[Came], None] = lambda _: None

    def note(self, reply: Any) -> None:
        """Note a reply, and clean it for instructor: without fences and thoughts, complete JSON as
        complete.

        Its usage is read now, because instructor adds up later ones in the same place.
        """
        self.awaits = False
        try:
            self.last = answer = read_completion(reply)
        except GarbledReply as error:
            self.garbled = error
            return
        self.count += 1
        self.usage += answer.usage
        if not answer.has_usage:
            self.requests.note_unmetered()
        if choices := getattr(reply, "choices", None):
            _show_answer(choices[0], answer)
        text = " ".join(answer.text.split())[:_SHOWN]
        label = f"HTTP 200, finish reason {answer.reason or 'unknown'}"
        self.came(
            Came(f"{label}: {text!r}" if text else f"{label}, empty", "HTTP 200", is_answer=True)
        )

    def are_worth_reask(self, state: RetryCallState) -> bool:
        """Return whether the last answer was complete and broke the schema, and another request
        may begin.
        """
        error = state.outcome.exception() if state.outcome else None
        if (
            self._watch.is_over
            or not self.requests.may_repeat()
            or not isinstance(error, _NO_ANSWER)
        ):
            return False
        if self.garbled or self.last is None or self.last.ending is not Ending.COMPLETE:
            return False
        try:  # it may be valid as text instead of the tool call that instructor expects
            self._call.reply_model.model_validate_json(
                self.last.text, strict=_STRICT, context=dict(self._call.context)
            )
        except ValidationError:
            return True
        return False


def open_client(spec: ModelSpec, mode: str) -> Any:
    """Open instructor's client of a provider, without the SDK's own retries and limits of time.

    Raises ``MissingExtra`` without its SDK, ``MissingKey`` without a key, ``ArgumentError`` for a
    key, a proxy or certificates of the environment that cannot be used.
    """
    check_surroundings(spec)
    key = spec.api_key.get_secret_value() if spec.api_key else None
    given: dict[str, Any] = {"api_key": key} if key else {}
    name = f"openai/{spec.name}" if spec.is_compatible else str(spec)
    if spec.base_url:
        given["base_url"] = spec.base_url
        given["http_client"] = open_connection(direct=spec.is_direct)
    if spec.is_compatible and not key:
        given["api_key"] = _NO_KEY
    # it would fetch prices from the network, and advertise on standard output
    if spec.provider == "litellm":
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        with suppress(ImportError):
            import_module("litellm").suppress_debug_info = True  # type: ignore[attr-defined]
    failure: Exception
    try:
        client = instructor.from_provider(
            name, async_client=True, mode=instructor.Mode[mode], **given
        )
    except ConfigurationError as error:
        missing = list_providers()[spec.provider].extra if "install" in str(error).lower() else None
        needs = f"a model of {spec.provider} needs its SDK"
        failure = MissingExtra(needs, missing) if missing else explain_opening(error, spec)
    except Exception as error:  # noqa: BLE001 - each SDK has its own
        failure = explain_opening(error, spec)
    else:
        sdk: Any = client.client
        _remember_keys(sdk)
        _forbid_redirects(sdk)
        for attribute, value in (("max_retries", 0), ("timeout", None)):
            if hasattr(sdk, attribute):
                setattr(sdk, attribute, value)
        if spec.is_compatible:
            sdk.organization = sdk.project = None  # the environment sets them for OpenAI alone
        return client
    raise failure


def _show_answer(choice: Any, answer: Completion) -> None:
    """Write into a choice of OpenAI's form what was read of it, so that instructor judges the
    same.
    """
    calls = choice.message.tool_calls
    message = choice.message
    if calls and answer.text:
        del calls[1:]
        calls[0].function.arguments = answer.text
    elif isinstance(message.content, str):
        message.content = answer.text
    if answer.ending is Ending.COMPLETE and choice.finish_reason == "length":
        choice.finish_reason = "stop"


def _remember_keys(sdk: Any) -> None:
    """Mask the keys that an SDK found by itself, in a file of its own or a variable that no name
    tells.
    """
    for place in (sdk, getattr(sdk, "_api_client", None)):
        for name in ("api_key", "auth_token"):
            if isinstance(key := getattr(place, name, None), str) and key != _NO_KEY:
                remember(key)


def _forbid_redirects(sdk: Any) -> None:
    """Let no service send its requests on, with their key and the text of records, to another
    address.
    """
    google = getattr(sdk, "_api_client", None)
    for client in (getattr(sdk, "_client", None), getattr(google, "_async_httpx_client", None)):
        if client is not None and hasattr(client, "follow_redirects"):
            client.follow_redirects = False
    arguments = getattr(google, "_async_client_session_request_args", None)
    if isinstance(arguments, dict):  # of aiohttp, which Google's SDK prefers
        arguments["allow_redirects"] = False


def _describe_failure(failure: Failure) -> Came:
    """Describe what came back, for people."""
    if failure.status is None:
        return Came(
            "no answer in time" if failure.is_late else failure.said or "no connection", "no reply"
        )
    brief = "rate limited" if failure.status == 429 else f"HTTP {failure.status}"
    beginning = failure.said[:_SHOWN]
    return Came(f"HTTP {failure.status}: {beginning!r}", brief)


def _short_name(value: str) -> str | None:
    """Return a short name without spaces. Anything else may quote the request."""
    return value if value and len(value) <= _SHOWN and not any(map(str.isspace, value)) else None

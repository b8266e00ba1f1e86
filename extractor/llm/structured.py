"""One call through instructor: the request, its re-asks, and the best of all answers."""

import json
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import httpx2
import instructor
import openai
from instructor import OpenAISchema
from instructor.core.exceptions import IncompleteOutputException, InstructorRetryException, ResponseParsingError
from instructor.core.hooks import Hooks
from openai.types.chat import ChatCompletion
from pydantic import BaseModel, ValidationError, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

from extractor.errors import AnswerPending, AnswerRejected, BudgetReached

from .requests import AnswerMode, Call, compact_schema
from .salvage import (
    Rejection,
    Salvage,
    check_asked,
    describe_errors,
    is_json,
    read_complete_items,
    salvage_items,
    unwrap_json,
)
from .spec import ModelKind, ModelSpec, shown_model
from .trace import CallTrace, UsageTally, trace_call

# instructor logs each failed attempt as an error, which Python prints if no log is set up.
logging.getLogger("instructor").addHandler(logging.NullHandler())

_STRICT = False
"""A quoted "18" is a good 18: a re-ask would cost more than it is worth."""
_REASONING_TOKENS = 8192
"""Tokens for a model that thinks before it answers, in addition to those of the answer."""
_LESSONS = 3
"""How often one call is repeated because a refusal or a cut answer taught a parameter."""
_MODES = {
    AnswerMode.LINES: instructor.Mode.JSON_SCHEMA,
    AnswerMode.JSON_SCHEMA: instructor.Mode.JSON_SCHEMA,
    AnswerMode.TOOLS: instructor.Mode.TOOLS,
    AnswerMode.JSON: instructor.Mode.JSON,
}
_OTHER_LIMIT = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one call. ``truncated``: the answer reached the output limit before it was whole. ``pending``: an
    answer, or the answer to a re-ask, will come later.
    """

    salvage: Salvage
    model: str
    truncated: bool = False
    pending: bool = False


@dataclass
class Sampling:
    """How a server wants the output limit and the temperature.

    Hosted reasoning models refuse ``max_tokens`` and any temperature with status 400, and count their thinking
    into the limit; many other servers know ``max_tokens`` alone. So this starts with a guess and learns.
    """

    limit: str
    temperature: bool = True
    allowance: int = 0

    @classmethod
    def of(cls, spec: ModelSpec) -> "Sampling":
        """The guess for a model."""
        return cls("max_completion_tokens" if spec.kind is ModelKind.HOSTED else "max_tokens")

    def parameters(self, max_output_tokens: int) -> dict[str, Any]:
        """The parameters of a request.

        >>> Sampling("max_tokens").parameters(300)
        {'max_tokens': 300, 'temperature': 0}
        """
        limit = {self.limit: max_output_tokens + self.allowance}
        return limit | {"temperature": 0} if self.temperature else limit

    def learn(self, error: BaseException | None, sent: Mapping[str, Any]) -> bool:
        """Learn from a failure. Returns whether the request is worth sending again with other parameters."""
        if isinstance(error, IncompleteOutputException) and error.last_completion:
            usage, message = error.last_completion.usage, error.last_completion.choices[0].message
            details = usage.completion_tokens_details if usage else None
            thought = (details and details.reasoning_tokens) or (message.model_extra or {}).get("reasoning_content")
            learnt = bool(thought) and not self.allowance
            self.allowance = _REASONING_TOKENS if thought else self.allowance
            return learnt
        if not isinstance(error, openai.BadRequestError) or error.param not in sent:
            return False
        if error.code not in ("unsupported_parameter", "unsupported_value"):
            return False
        self.temperature = self.temperature and error.param != "temperature"
        self.limit = _OTHER_LIMIT.get(error.param or "", self.limit)
        return True


class StructuredClient:
    """Asks one model for answers that fit a pydantic model.

    ``explain`` turns an error of the SDK and the number of attempts into an ``ExtractorError``; ``sampling`` is what is
    known of the server's parameters; ``extra`` goes into each request's body.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        spec: ModelSpec,
        explain: Callable[[openai.APIError, int], Exception],
        sampling: Sampling,
        extra: Mapping[str, Any],
    ) -> None:
        self._explain, self._sampling, self._extra = explain, sampling, dict(extra)
        self._model = spec.name or "local"
        self._headers: dict[str, Any] = {}
        if spec.kind is not ModelKind.HOSTED and spec.api_key is None:
            self._headers = {"Authorization": openai.Omit()}  # the SDK would send an empty key
        self._clients = {mode: instructor.from_openai(client, mode=of) for mode, of in _MODES.items()}

    async def complete(self, call: Call, mode: AnswerMode, reasks: int, tally: UsageTally) -> Outcome:
        """Send a call, with re-asks that hold the validation errors; the best of all answers is kept.

        Raises ``ModelUnavailable``, or what a transport raised.
        """
        answers = _Answers(call)
        try:
            with trace_call(call.prompt, tally) as trace:
                reply = await self._ask(call, mode, reasks, answers, trace)
        except IncompleteOutputException:
            *others, last = answers.texts
            return Outcome(answers.salvage(last).completed_by(answers.best(others)), answers.model, truncated=True)
        except (AnswerPending, BudgetReached) as error:
            if isinstance(error, BudgetReached) and not answers.texts:
                raise
            return Outcome(answers.best(answers.texts), answers.model, pending=True)
        except AnswerRejected as error:
            best = answers.best(answers.texts)
            if not answers.salvage(answers.texts[-1]).rejected:  # no item is at fault, so the answer as a whole is
                best = best.joined_with(Salvage((), (Rejection(None, str(error)),)))
            return Outcome(best, answers.model)
        return Outcome(check_asked(reply.items, call), answers.model)

    async def _ask(self, call: Call, mode: AnswerMode, reasks: int, answers: "_Answers", trace: CallTrace) -> Any:
        """The reply; the request is repeated if its failure teaches how the server wants its parameters."""
        for lesson in range(_LESSONS + 1):
            answers.texts.clear()
            sampling = self._sampling.parameters(call.max_output_tokens)
            try:
                return await self._create(call, mode, reasks, answers, sampling)
            except IncompleteOutputException as error:
                if lesson == _LESSONS or not self._sampling.learn(error, sampling):
                    raise
            except InstructorRetryException as error:
                cause = error.__cause__
                if lesson == _LESSONS or not self._sampling.learn(cause, sampling):
                    failure = self._failure(cause, answers, trace)
                    break
        # Raised here so that the SDK's error, whose request holds the key, is not chained to it.
        failure.__cause__ = failure.__context__ = None
        raise failure

    async def _create(
        self, call: Call, mode: AnswerMode, reasks: int, answers: "_Answers", sampling: Mapping[str, Any]
    ) -> Any:
        body = dict(self._extra)
        if mode is AnswerMode.LINES and call.line_grammar:
            body |= {"grammar": call.line_grammar(), "response_format": openai.Omit()}
        hooks = Hooks()
        hooks.on("completion:response", answers.note)
        token = _context.set(call.context)
        try:
            reply, _ = await self._clients[mode].create_with_completion(
                response_model=_sent_model(call.reply_model, mode),
                max_retries=AsyncRetrying(
                    stop=stop_after_attempt(reasks + 1), retry=answers.are_worth_reask, reraise=True
                ),
                strict=_STRICT,
                hooks=hooks,
                messages=[{"role": "system", "content": call.system}, {"role": "user", "content": call.user}],
                model=self._model,
                extra_body=body,
                extra_headers=self._headers,
                **sampling,
            )
        finally:
            _context.reset(token)
        return reply

    def _failure(self, cause: BaseException | None, answers: "_Answers", trace: CallTrace) -> BaseException:
        """What to raise for the error that ended the attempts."""
        if answers.refusal:
            return AnswerRejected(answers.refusal)
        if isinstance(cause, openai.APIError):
            below = cause.__cause__
            if below is None or isinstance(below, httpx2.TransportError | ValueError):
                return self._explain(cause, trace.attempts)
            return below  # a transport's own error, which the SDK wraps
        if isinstance(cause, ValidationError):
            return AnswerRejected(describe_errors(cause) if answers.texts[-1].strip() else "the answer is empty")
        if isinstance(cause, ResponseParsingError | json.JSONDecodeError):
            return AnswerRejected(str(cause))
        return cause or AssertionError("instructor ended without a cause")


class _Answers:
    """The answers to one call."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.texts: list[str] = []
        self.model, self.refusal = "", ""

    def note(self, completion: ChatCompletion) -> None:
        """Take a completion, before instructor reads it: free of fences and thoughts, and whole if its JSON is."""
        self.model = shown_model(completion.model)
        choice = completion.choices[0]
        message = choice.message
        if message.tool_calls:
            text = getattr(getattr(message.tool_calls[0], "function", None), "arguments", "") or ""
        else:
            text = message.content = unwrap_json(message.content or "")
        self.texts.append(text)
        if choice.finish_reason == "length" and is_json(text):
            choice.finish_reason = "stop"  # the limit cut only white space behind the answer
        if message.refusal:
            self.refusal = f"the model refused: {message.refusal[:200]}"
        elif choice.finish_reason == "content_filter":
            self.refusal = "the provider's content filter stopped the answer"

    def are_worth_reask(self, state: RetryCallState) -> bool:
        """Whether the last answer broke the schema, and was no refusal."""
        error = state.outcome.exception() if state.outcome else None
        broken = isinstance(error, ValidationError | ResponseParsingError | json.JSONDecodeError)
        return broken and not self.refusal

    def best(self, texts: list[str]) -> Salvage:
        """The answer with the most valid items, the later of equals, completed from the others."""
        salvages = [self.salvage(text) for text in reversed(texts)]
        salvages.sort(key=lambda salvage: len(salvage.items), reverse=True)  # stable: the later of equals stays first
        return reduce(Salvage.completed_by, salvages) if salvages else Salvage()

    def salvage(self, text: str) -> Salvage:
        """The valid items of one answer."""
        return salvage_items(read_complete_items(text) or [], self._call)


_context: ContextVar[Mapping[str, object]] = ContextVar("context of validation")
"""instructor can pass a context on, but then renders every message as a Jinja template: a record's ``{{`` would vanish.
So the context is passed around instructor.
"""


@lru_cache(maxsize=256)
def _sent_model(model: type[BaseModel], mode: AnswerMode) -> type[BaseModel]:
    """A stand-in for ``model`` with its name and docstring, which are sent, and the schema as ``mode`` sends it.

    It has no fields, because instructor walks through the fields several times a call; it validates as ``model``.
    """
    schema = model.model_json_schema()
    if mode is AnswerMode.TOOLS:
        schema = {"title": model.__name__, **compact_schema(schema)}  # instructor names the tool by the title
    elif mode is not AnswerMode.JSON:
        schema = compact_schema(schema)
    packed = json.dumps(schema)

    class Sent(OpenAISchema):
        @classmethod
        def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Any:
            try:
                return model.model_validate_json(json_data, **(options | {"context": dict(_context.get())}))
            except ValidationError as error:
                failure = _without_links(error)
            raise failure

        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return dict(json.loads(packed))  # a copy, which instructor may change

    return create_model(model.__name__, __base__=Sent, __doc__=model.__doc__)


def _without_links(error: ValidationError) -> ValidationError:
    """The same error without pydantic's links, which a re-ask would send and which differ between its versions."""
    lines = [
        InitErrorDetails(
            type=PydanticCustomError(line["type"], "{message}", {"message": line["msg"]}),
            loc=line["loc"],
            input=line["input"],
        )
        for line in error.errors(include_url=False)
    ]
    return ValidationError.from_exception_data(error.title, lines, input_type="json")

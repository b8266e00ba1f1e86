"""Makes one call through instructor: sends the request and its re-asks, and selects the best answer."""

import json
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
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

from extractor.errors import AnswerPending, AnswerRejected, AnswerTruncated, BudgetReached

from .requests import AnswerMode, Call, compact_schema
from .salvage import (
    CallOutcome,
    RejectedItem,
    Salvage,
    describe_errors,
    is_json,
    read_complete_items,
    salvage_items,
    sort_items,
    unwrap_json,
)
from .spec import ModelKind, ModelSpec, shown_model
from .trace import CallTrace, UsageTally, trace_call

# instructor logs each failed attempt as an error, and Python prints errors if no handler is set.
logging.getLogger("instructor").addHandler(logging.NullHandler())

_STRICT = False
"""Accept a quoted "18" as 18: a re-ask is not worth its cost."""
_REASONING_TOKENS = 8192
"""Extra output tokens for a model that thinks before it answers."""
_MAX_ADJUSTMENTS = 3
"""How often one call is repeated with adjusted parameters after a refusal or a truncated answer."""
_MODES = {
    AnswerMode.LINES: instructor.Mode.JSON_SCHEMA,
    AnswerMode.JSON_SCHEMA: instructor.Mode.JSON_SCHEMA,
    AnswerMode.TOOLS: instructor.Mode.TOOLS,
    AnswerMode.JSON: instructor.Mode.JSON,
}
_OTHER_LIMIT = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


@dataclass
class Sampling:
    """The names of the parameters that a server accepts for the output limit and the temperature.

    Hosted reasoning models refuse ``max_tokens`` and any temperature with status 400, and count their thinking toward
    the limit. Many other servers know only ``max_tokens``. The first guess is corrected after failures.
    """

    limit: str
    temperature: bool = True
    allowance: int = 0

    @classmethod
    def of(cls, spec: ModelSpec) -> "Sampling":
        """The first guess for a model."""
        return cls("max_completion_tokens" if spec.kind is ModelKind.HOSTED else "max_tokens")

    def parameters(self, max_output_tokens: int) -> dict[str, Any]:
        """The parameters of a request.

        >>> Sampling("max_tokens").parameters(300)
        {'max_tokens': 300, 'temperature': 0}
        """
        limit = {self.limit: max_output_tokens + self.allowance}
        return limit | {"temperature": 0} if self.temperature else limit

    def learn(self, error: BaseException | None, sent: Mapping[str, Any]) -> bool:
        """Adjust the parameters after a failure. Returns whether to send the request again."""
        if isinstance(error, IncompleteOutputException) and error.last_completion:
            usage, message = error.last_completion.usage, error.last_completion.choices[0].message
            details = usage.completion_tokens_details if usage else None
            thought = getattr(details, "reasoning_tokens", None) or (message.model_extra or {}).get("reasoning_content")
            learnt = bool(thought) and not self.allowance
            self.allowance = _REASONING_TOKENS if thought else self.allowance
            return learnt
        if not isinstance(error, openai.BadRequestError) or error.param not in list(sent):
            return False
        if error.code not in ("unsupported_parameter", "unsupported_value"):
            return False
        self.temperature = self.temperature and error.param != "temperature"
        self.limit = _OTHER_LIMIT.get(error.param or "", self.limit)
        return True


class StructuredClient:
    """Asks one model for answers that fit a pydantic model.

    ``explain`` turns an error of the SDK and the number of attempts into an ``ExtractorError``. ``sampling`` holds the
    server's parameters. ``extra`` is added to each request's body.
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

    async def complete(self, call: Call, mode: AnswerMode, reasks: int, tally: UsageTally) -> CallOutcome:
        """Send a call, with re-asks of an answer that cannot be used, and return what the last answer holds.

        Raises ``ModelUnavailable``, or an error of a transport.
        """
        answers = _Answers(call)
        try:
            with trace_call(call.prompt, tally) as trace:
                reply = await self._ask(call, mode, reasks, answers, trace)
        except AnswerTruncated:
            return CallOutcome(answers.salvage(), answers.model, truncated=True, calls=answers.count)
        except (AnswerPending, BudgetReached) as error:
            if isinstance(error, BudgetReached) and answers.text is None:
                raise
            return CallOutcome(answers.salvage(), answers.model, pending=True, calls=answers.count)
        except AnswerRejected as error:
            salvage = answers.salvage()
            if not salvage.rejected:  # the answer as a whole is at fault, not an item
                salvage = Salvage(salvage.items, (RejectedItem(None, str(error)),))
            return CallOutcome(salvage, answers.model, calls=answers.count)
        return CallOutcome(sort_items(reply.items, call), answers.model, calls=answers.count)

    async def _ask(self, call: Call, mode: AnswerMode, reasks: int, answers: "_Answers", trace: CallTrace) -> Any:
        """The reply. The request is repeated if its failure shows which parameters the server accepts."""
        failure: BaseException
        for adjustment in range(_MAX_ADJUSTMENTS + 1):
            answers.text, answers.count = None, 0
            sampling = self._sampling.parameters(call.max_output_tokens)
            try:
                return await self._create(call, mode, reasks, answers, sampling)
            except IncompleteOutputException as error:
                if adjustment == _MAX_ADJUSTMENTS or not self._sampling.learn(error, sampling):
                    failure = AnswerTruncated("the answer did not fit into the output limit")
                    break
            except InstructorRetryException as error:
                cause = error.__cause__
                if adjustment == _MAX_ADJUSTMENTS or not self._sampling.learn(cause, sampling):
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
        """The error to raise for the one that ended the attempts."""
        if answers.refusal:
            return AnswerRejected(answers.refusal)
        if isinstance(cause, openai.APIError):
            below = cause.__cause__
            if below is None or isinstance(below, httpx2.TransportError | ValueError):
                return self._explain(cause, trace.attempts)
            return below  # the SDK wraps a transport's own error
        if isinstance(cause, ValidationError):
            return AnswerRejected(describe_errors(cause) if (answers.text or "").strip() else "the answer is empty")
        if isinstance(cause, ResponseParsingError | json.JSONDecodeError):
            return AnswerRejected(str(cause))
        return cause or AssertionError("instructor ended without a cause")


class _Answers:
    """The answers to one call: their ``count``, and the ``text`` of the last one."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.text: str | None = None
        self.count = 0
        self.model, self.refusal = "", ""

    def note(self, completion: ChatCompletion) -> None:
        """Note a completion and clean it for instructor: remove fences and thoughts, and accept complete JSON."""
        self.count += 1
        self.model = shown_model(completion.model)
        choice = completion.choices[0]
        message = choice.message
        if message.tool_calls:
            text = getattr(getattr(message.tool_calls[0], "function", None), "arguments", "") or ""
        else:
            text = message.content = unwrap_json(message.content or "")
        self.text = text
        if choice.finish_reason == "length" and is_json(text):
            choice.finish_reason = "stop"  # the limit cut only white space after the answer
        if message.refusal:
            self.refusal = f"the model refused: {message.refusal[:200]}"
        elif choice.finish_reason == "content_filter":
            self.refusal = "the provider's content filter stopped the answer"

    def are_worth_reask(self, state: RetryCallState) -> bool:
        """Whether the last answer broke the schema and was not a refusal."""
        error = state.outcome.exception() if state.outcome else None
        broken = isinstance(error, ValidationError | ResponseParsingError | json.JSONDecodeError)
        return broken and not self.refusal

    def salvage(self) -> Salvage:
        """The valid items of the last answer."""
        return salvage_items(read_complete_items(self.text or "") or [], self._call)


_context: ContextVar[Mapping[str, object]] = ContextVar("context of validation")
"""Bypasses instructor's own context, with which it renders every message as a Jinja template and breaks ``{{``."""


@lru_cache(maxsize=256)
def _sent_model(model: type[BaseModel], mode: AnswerMode) -> type[BaseModel]:
    """A stand-in for ``model`` with its name and docstring, which are sent, and the schema for ``mode``.

    It validates as ``model``, but has no fields, because instructor visits all fields several times per call.
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
            return dict(json.loads(packed))  # a copy, because instructor may change it

    return create_model(model.__name__, __base__=Sent, __doc__=model.__doc__)


def _without_links(error: ValidationError) -> ValidationError:
    """Remove pydantic's links, which a re-ask would send and which differ between versions."""
    lines = [
        InitErrorDetails(
            type=PydanticCustomError(line["type"], "{message}", {"message": line["msg"]}),
            loc=line["loc"],
            input=line["input"],
        )
        for line in error.errors(include_url=False)
    ]
    return ValidationError.from_exception_data(error.title, lines, input_type="json")

"""One call to a model, with the re-asks that its answer needs."""

import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import Any

import instructor
from instructor.core.exceptions import IncompleteOutputException, InstructorRetryException, ResponseParsingError
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from pydantic import BaseModel, ValidationError

from extractor.errors import AnswerPending, AnswerRejected, BudgetReached

from .answer_mode import AnswerMode
from .bound import bound_to
from .call import Call
from .chain import asked_with
from .compact import compact_request
from .drafts import draft_request, keep_draft
from .salvage import (
    Rejection,
    Salvage,
    describe_errors,
    is_json,
    item_number,
    read_complete_items,
    salvage_items,
    unwrap_json,
)
from .sending.connection import Connection
from .sending.usage import UsageTally
from .spec import shown_model

__all__ = ["Outcome", "put_call"]

# instructor reports each failed attempt as an error of its own, which Python prints where no log is set up.
logging.getLogger("instructor").addHandler(logging.NullHandler())


_STRICT = False
"""A quoted "18" is a good 18: asking again costs more than it is worth."""
_MODES = {
    AnswerMode.LINES: instructor.Mode.JSON_SCHEMA,
    AnswerMode.JSON_SCHEMA: instructor.Mode.JSON_SCHEMA,
    AnswerMode.TOOLS: instructor.Mode.TOOLS,
    AnswerMode.JSON: instructor.Mode.JSON,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call gave. ``truncated``: the answer ran into the output limit before it was whole; ``pending``: the
    answer to it, or to asking it again, is still to come.
    """

    salvage: Salvage
    model: str
    truncated: bool = False
    pending: bool = False


async def put_call(connection: Connection, call: Call, mode: AnswerMode, reasks: int, tally: UsageTally) -> Outcome:
    """Put a call, asking again with the validation errors; the best of all attempts is kept.

    Raises ``ModelUnavailable`` or what a recording raised.
    """
    attempts = _Attempts(connection, call, mode, tally)
    try:
        with asked_with(call.prompt), bound_to(call) as reply_model:
            reply = await attempts.ask(reply_model, reasks)
    except IncompleteOutputException:
        return attempts.outcome_of_truncated()
    except InstructorRetryException as error:
        failure = error.__cause__
    else:
        return Outcome(_asked_items(reply, call), attempts.model)
    return attempts.outcome_after(failure)


def _asked_items(reply: Any, call: Call) -> Salvage:
    asked = {question.chunk.number for question in call.questions}
    items: list[BaseModel] = list(reply.items)
    strange = [number for item in items if (number := item_number(item)) not in asked]
    rejected = [Rejection(number, "was not asked about") for number in strange]
    return Salvage(tuple(item for item in items if item_number(item) in asked), tuple(rejected))


class _Attempts:
    """The completions of one call."""

    def __init__(self, connection: Connection, call: Call, mode: AnswerMode, tally: UsageTally) -> None:
        self._connection, self._call, self._mode, self._tally = connection, call, mode, tally
        self._messages = [{"role": "system", "content": call.system}, {"role": "user", "content": call.user}]
        self._came: ChatCompletion | Exception | None = None
        written = mode is AnswerMode.LINES and call.line_grammar
        self._grammar = written() if written else None
        self._answers: list[str] = []
        self.model = ""

    async def ask(self, reply_model: type[Any], reasks: int) -> Any:
        """The answer, as ``reply_model``. Raises what instructor raises.

        A good first answer passes by instructor, which would work on it for longer than all other layers together.
        """
        draft = draft_request(reply_model, self._messages) if self._mode is AnswerMode.JSON_SCHEMA else None
        if draft and (reply := await self._ask_once(reply_model, draft)) is not None:
            return reply

        async def create(**request: Any) -> ChatCompletion:
            return await self._create(reply_model, request)

        ask: Any = instructor.patch(create=create, mode=_MODES[self._mode])
        return await ask(response_model=reply_model, max_retries=reasks, strict=_STRICT, messages=self._messages)

    async def _ask_once(self, reply_model: type[Any], draft: dict[str, Any]) -> Any:
        """The answer, if it is good; else None, and what came is kept for instructor to judge."""
        try:
            completion = self._came = await self._send(draft)
        except Exception as error:  # noqa: BLE001 - raised again where instructor sees it
            self._came = error
            return None
        choice = completion.choices[0]
        if choice.finish_reason != "length":
            with suppress(ValidationError):
                return reply_model.model_validate_json(choice.message.content or "", strict=_STRICT)
        return None

    async def _create(self, reply_model: type[Any], request: dict[str, Any]) -> ChatCompletion:
        """What instructor takes for the SDK's ``create``."""
        came, self._came = self._came, None
        if isinstance(came, Exception):
            raise came
        if came:
            return came
        compact = compact_request(request)
        if self._mode is AnswerMode.JSON_SCHEMA:
            keep_draft(reply_model, compact, self._messages)
        if self._grammar:
            compact = _under_grammar(compact, self._grammar)
        return await self._send(compact)

    async def _send(self, request: dict[str, Any]) -> ChatCompletion:
        completion = await self._connection.complete(request, self._call.max_output_tokens, self._tally)
        self.model = shown_model(completion.model)
        choice = completion.choices[0]
        text = _answer_text(choice.message)
        self._answers.append(text)
        if choice.finish_reason == "length" and is_json(text):
            choice.finish_reason = "stop"  # only the white space behind the answer was cut
        if refusal := _refusal(choice.message, choice.finish_reason):
            raise AnswerRejected(refusal)
        return completion

    def outcome_of_truncated(self) -> Outcome:
        salvage = self._salvage(self._answers[-1]).completed_by(self._best(self._answers[:-1]))
        return Outcome(salvage, self.model, truncated=True)

    def outcome_after(self, failure: BaseException | None) -> Outcome:
        """What is left after the last attempt failed so. Raises failures that are not about the answer."""
        if isinstance(failure, AnswerPending) or (isinstance(failure, BudgetReached) and self._answers):
            return Outcome(self._best(self._answers), self.model, pending=True)
        if isinstance(failure, ValidationError):
            why = describe_errors(failure) if self._answers[-1].strip() else "the answer is empty"
        elif isinstance(failure, AnswerRejected | ResponseParsingError | json.JSONDecodeError):
            why = str(failure)
        else:
            raise failure or AssertionError("instructor ended without a cause")
        best = self._best(self._answers)
        last = self._salvage(self._answers[-1])
        if not last.rejected:  # no item is at fault, so the answer as a whole is
            best = best.joined_with(Salvage((), (Rejection(None, why),)))
        return Outcome(best, self.model)

    def _best(self, answers: list[str]) -> Salvage:
        """The attempt with the most valid items, the later of equals, and from the others what it lacks."""
        salvages = [self._salvage(answer) for answer in reversed(answers)]
        salvages.sort(key=lambda salvage: len(salvage.items), reverse=True)  # stable: the later of equals stays first
        return reduce(Salvage.completed_by, salvages, salvages.pop(0)) if salvages else Salvage()

    def _salvage(self, answer: str) -> Salvage:
        return salvage_items(read_complete_items(answer) or [], self._call)


def _under_grammar(request: dict[str, Any], grammar: str) -> dict[str, Any]:
    return {**{name: value for name, value in request.items() if name != "response_format"}, "grammar": grammar}


def _answer_text(message: ChatCompletionMessage) -> str:
    """The text of the answer, which is put into the message without fence and thoughts, as instructor wants it."""
    if message.tool_calls:
        function = getattr(message.tool_calls[0], "function", None)
        return getattr(function, "arguments", "") or ""
    if isinstance(message.content, str):
        message.content = unwrap_json(message.content)
    return message.content or ""


def _refusal(message: ChatCompletionMessage, finish_reason: str | None) -> str | None:
    if message.refusal:
        return f"the model refused: {message.refusal[:200]}"
    if finish_reason == "content_filter":
        return "the provider's content filter stopped the answer"
    return None

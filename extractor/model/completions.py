"""Read replies of any provider as text, ending, usage and the model's name.

Live replies are objects of an SDK, those of a batch are JSON; both are read as plain dictionaries.
The forms are those of OpenAI's chat completions (also Azure, Groq, Mistral, OpenRouter, LiteLLM,
Ollama, vLLM, llama.cpp), Anthropic's messages, Gemini's generated content, and Bedrock's converse.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from extractor.masking import mask, mask_known
from extractor.model.answer_text import ReplyText, TextKind, find_answer
from extractor.model.spec import shown_model
from extractor.schemas import Usage

_Json = Mapping[str, Any]

BROKEN = "broken JSON"
"""How messages describe a reply that ends too early."""
_SHOWN = 80
"""Characters of a reply that messages show."""
_MOST_TOKENS = 10**9
"""No call has more. A larger number would be no count, and its sums would not fit into the
store.
"""
_CUT = frozenset({"length", "max_tokens", "MAX_TOKENS"})
"""Reasons of all providers for an end at the output limit."""
_BLOCKED = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"}
)
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thoughts")
"""What servers of OpenAI's form call a message's thoughts."""


class Ending(StrEnum):
    """Why a model stopped: it had finished, the output limit cut it, or it or a filter refused."""

    COMPLETE = "complete"
    CUT = "cut"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer as text, which should be JSON.

    ``problem`` says why the model refused, ``reason`` why it stopped, ``remark`` what is doubtful
    about how the answer was read. Without ``has_usage``, the reply does not say what it cost.

    A service may repeat a key in any of the texts; it goes no further than here.
    """

    text: str
    ending: Ending
    usage: Usage = field(default_factory=lambda: Usage(calls=1))
    model: str = ""
    problem: str = ""
    reason: str = ""
    remark: str = ""
    has_usage: bool = True

    def __post_init__(self) -> None:
        for name in ("text", "model", "problem", "reason", "remark"):
            object.__setattr__(self, name, mask_known(getattr(self, name)))


class GarbledReply(Exception):
    """A reply that is no answer of a model.

    It is a proxy's page, a truncated body, or an error with status 200.
    """


def read_completion(reply: object) -> Completion:
    """Read a reply. Raises ``GarbledReply`` if it is no answer.

    >>> message = {"content": "{}"}
    >>> reply = {
    ...     "choices": [{"message": message, "finish_reason": "length"}],
    ...     "model": "m",
    ... }
    >>> read_completion(reply).ending
    <Ending.COMPLETE: 'complete'>
    """
    body = as_json(reply)
    # <html>Sign in</html>, or {"choices": [{"message": {}, "error": {...}}]}
    if not isinstance(body, Mapping) or _find_choice_error(body):
        raise GarbledReply(describe_garbled(body))
    said = _read_known_form(body)
    if said is None:
        raise GarbledReply(describe_garbled(body))
    if not isinstance(said.model, str) or not isinstance(said.reason, str):
        raise GarbledReply(describe_garbled(body))
    return _complete(said)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a reply says: why it ended, its texts, its usage, and why the model refused."""

    reason: str
    places: Sequence[ReplyText]
    usage: Usage
    model: str = ""
    problem: str = ""


def _complete(said: _Said) -> Completion:
    """Make the completion of a reply: its answer, how it ended, and what it cost if it says so.

    A refusal is one, whatever text came with it. An answer is cut only if the output limit ended
    it and it is not whole: the limit may have cut only white space behind it.
    """
    is_cut = said.reason in _CUT
    found = find_answer(said.places, is_cut=is_cut)
    is_whole = found.complete or is_json(found.text)
    if said.problem:
        ending = Ending.REFUSED
    elif is_cut and not is_whole:
        ending = Ending.CUT
    else:
        ending = Ending.COMPLETE
    # A reply without a prompt, or with an answer of no tokens, does not say what it cost. An SDK
    # makes 1 of true.
    has_output = said.usage.output_tokens > 0 or not found.text
    has_usage = said.usage.prompt_tokens > 1 and has_output
    usage = said.usage
    if not has_usage:
        usage = Usage(calls=1)
    return Completion(
        text=found.text,
        ending=ending,
        usage=usage,
        model=shown_model(said.model),
        problem=said.problem,
        reason=said.reason,
        remark=found.remark,
        has_usage=has_usage,
    )


def is_json(text: str) -> bool:
    """Return whether the text is a complete JSON document."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def as_json(reply: object) -> Any:
    """Convert a reply of an SDK to plain data. Return None if it has types that no reply has; what
    is no object of an SDK stays as it is.
    """
    dump: Callable[..., Any] | None = getattr(reply, "model_dump", None)
    if dump is None:
        return reply
    # text with half of a surrogate pair is no JSON
    for mode in ("json", "python"):
        with suppress(ValueError, TypeError, RecursionError):
            return dump(mode=mode, warnings=False)
    return None


def _read_chat(body: _Json) -> _Said:
    """Read OpenAI's chat completion: its first choice, with its refusal, its thoughts (which each
    server names differently), its content as text or parts, and its calls of tools.
    """
    choice = body["choices"][0]
    message = choice["message"]
    reason = choice.get("finish_reason") or ""
    problem = ""
    # OpenAI's models refuse in a key of its own, beside an empty content
    if message.get("refusal"):
        problem = f"the model refused: {message['refusal'][:200]}"
    elif reason == "content_filter":
        problem = "the provider's content filter stopped the answer"
    thoughts = []
    for name in _THOUGHTS:
        if not message.get(name):
            continue
        thoughts.append(ReplyText(TextKind.THOUGHT, name, _write(message[name])))
    content = message.get("content")
    # such as [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "..."}]
    if _is_list_of_parts(content):
        said = _read_parts(content, reason)
    else:
        said = [ReplyText(TextKind.SAID, "content", _write(content))]
    calls = _read_parts(message.get("tool_calls") or (), reason)
    places = [*thoughts, *said, *calls]
    return _Said(reason, places, _count_chat(body), body.get("model") or "", problem)


def _is_list_of_parts(content: object) -> bool:
    """Return whether a message's content is a list of parts, each with its type. Any other list is
    an answer that the server has parsed.
    """
    if not isinstance(content, list):
        return False
    return all(isinstance(part, Mapping) and "type" in part for part in content)


def _count_chat(body: _Json) -> Usage:
    """Read the tokens of OpenAI's chat completion. Tokens that only the total has are thinking."""
    prompt = _count(body, "usage.prompt_tokens")
    output = _count(body, "usage.completion_tokens")
    thinking = _count(body, "usage.completion_tokens_details.reasoning_tokens")
    # Gemini's endpoint in OpenAI's form counts thinking in the total alone.
    unnamed = max(0, _count(body, "usage.total_tokens") - prompt - output)
    return _usage(
        prompt,
        output + unnamed,
        cached=_count(body, "usage.prompt_tokens_details.cached_tokens"),
        thinking=max(thinking, unnamed),
    )


def _read_message(body: _Json) -> _Said:
    """Read Anthropic's message. Its input tokens leave out those that a cache served or took."""
    reason = body["stop_reason"]
    cached = _count(body, "usage.cache_read_input_tokens")
    written = _count(body, "usage.cache_creation_input_tokens")
    usage = _usage(
        _count(body, "usage.input_tokens") + cached + written,
        _count(body, "usage.output_tokens"),
        cached=cached,
        written=written,
        thinking=_count(body, "usage.output_tokens_details.thinking_tokens"),
    )
    problem = "the model refused" if reason == "refusal" else ""
    places = _read_parts(body.get("content") or (), reason)
    return _Said(reason, places, usage, body.get("model") or "", problem)


def _read_candidates(body: _Json) -> _Said:
    """Read Gemini's generated content: its first candidate, and why a filter stopped the prompt or
    the answer. Its tokens of thinking stand apart from the answer's, and are added to them.
    """
    candidates = body.get("candidates") or [{}]
    candidate = candidates[0]
    reason = candidate.get("finish_reason") or ""
    feedback = body.get("prompt_feedback") or {}
    blocked = feedback.get("block_reason")
    # Gemini names the filter as the reason of the end
    if reason in _BLOCKED:
        blocked = reason
    thinking = _count(body, "usage_metadata.thoughts_token_count")
    usage = _usage(
        _count(body, "usage_metadata.prompt_token_count"),
        _count(body, "usage_metadata.candidates_token_count") + thinking,
        cached=_count(body, "usage_metadata.cached_content_token_count"),
        thinking=thinking,
    )
    problem = ""
    if blocked:
        problem = f"the provider's filter stopped the answer ({blocked})"
    content = candidate.get("content") or {}
    places = _read_parts(content.get("parts") or (), reason)
    return _Said(reason, places, usage, body.get("model_version") or "", problem)


def _read_converse(body: _Json) -> _Said:
    """Read a reply of Bedrock's converse, which does not name the model. Raises ``KeyError`` for
    one without a message.

    Bedrock's input tokens leave out those that a cache served or took, so they are added.
    """
    reason = body.get("stopReason") or ""
    cached = _count(body, "usage.cacheReadInputTokens")
    written = _count(body, "usage.cacheWriteInputTokens")
    usage = _usage(
        _count(body, "usage.inputTokens") + cached + written,
        _count(body, "usage.outputTokens"),
        cached=cached,
        written=written,
    )
    problem = ""
    if reason in ("guardrail_intervened", "content_filtered"):
        problem = "the provider's filter stopped the answer"
    parts = body["output"]["message"]["content"]
    return _Said(reason, _read_parts(parts, reason), usage, problem=problem)


_READERS: Mapping[str, Callable[[_Json], _Said]] = {
    "choices": _read_chat,
    "stop_reason": _read_message,
    "candidates": _read_candidates,
    "prompt_feedback": _read_candidates,
    "output": _read_converse,
}
"""Each form of a reply by a key that only it has."""


def _read_known_form(body: _Json) -> _Said | None:
    """Read a reply by the form that its keys show. Return None if it has no form known here, or
    breaks it.
    """
    for key, read in _READERS.items():
        if not body.get(key):
            continue
        try:
            return read(body)
        except (LookupError, TypeError, AttributeError):
            return None
    return None


_ARGUMENTS = ("function.arguments", "input", "function_call.args", "toolUse.input")
"""Where the parts of messages have the arguments of a call: OpenAI's, Anthropic's, Gemini's,
Bedrock's.
"""


def _read_parts(parts: Iterable[_Json], reason: str) -> list[ReplyText]:
    """List the texts of a message's parts: each thought, what was said as one text, and the
    arguments of each call. ``reason`` is why the model stopped. Raises ``TypeError`` for arguments
    that no call has.
    """
    thoughts: list[ReplyText] = []
    said: list[str] = []
    calls: list[object] = []
    for part in parts:
        arguments = _find_first(part, _ARGUMENTS)
        if arguments is not None:
            calls.append(arguments)
        # such as {"text": "Hm.", "thought": true}
        elif _is_thought(part):
            thoughts.append(ReplyText(TextKind.THOUGHT, "a thought", _text_of(part)))
        else:
            said.append(_text_of(part))
    content = []
    if said:
        content.append(ReplyText(TextKind.SAID, "content", "".join(said)))
    return [*thoughts, *content, *_list_calls(calls, reason)]


def _is_thought(part: _Json) -> bool:
    """Return whether a part is a thought: Gemini marks it (``thought``), Bedrock has a key of its
    own for it, others name its type ("thinking", "reasoning").
    """
    kind = str(part.get("type") or "")
    if bool(part.get("thought")):
        return True
    if "reasoningContent" in part:
        return True
    if "think" in kind:
        return True
    return "reason" in kind


_TEXTS = ("text", "thinking", "reasoning", "reasoningContent.reasoningText.text")
"""Where the parts of messages have their text."""


def _text_of(part: _Json) -> str:
    """Return the text of a part, whose thoughts may come in parts of their own."""
    text = _find_first(part, _TEXTS) or ""
    # such as {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    if isinstance(text, list):
        return "".join(_text_of(inner) for inner in text)
    return str(text)


def _list_calls(calls: Sequence[object], reason: str) -> list[ReplyText]:
    """Return the arguments of the calls of tools as texts, each with its number as name.

    Arguments are a text, an object, or a list of objects; anything else raises ``TypeError``. If
    the output limit ended the reply, the brackets are taken from the last call's object again:
    providers close what the limit left open.
    """
    places = []
    for number, arguments in enumerate(calls, 1):
        is_text = isinstance(arguments, str)
        if not is_text and not _is_structured(arguments):
            raise TypeError(f"{arguments!r} are no arguments")
        text = _write(arguments)
        is_last = number == len(calls)
        if is_last and not is_text and reason in _CUT:
            text = text.removesuffix("]}")
        places.append(ReplyText(TextKind.CALL, f"tool call {number}", text))
    return places


def _is_structured(arguments: object) -> bool:
    """Return whether the arguments of a call are an object, or a list of objects."""
    if isinstance(arguments, list):
        return all(isinstance(member, Mapping) for member in arguments)
    return isinstance(arguments, Mapping)


def _write(content: object) -> str:
    """Return the text of a message, also of one that a server has parsed already. Nothing is ""."""
    if isinstance(content, Mapping | list):
        return json.dumps(content, ensure_ascii=False)
    return str(content or "")


def _get(body: object, path: str) -> Any:
    """Return what stands at a path of keys such as "usage.prompt_tokens", None if nothing does."""
    for key in path.split("."):
        if not isinstance(body, Mapping):
            return None
        body = body.get(key)
    return body


def _find_first(body: object, paths: Iterable[str]) -> Any:
    """Return what stands at the first of these paths that leads to anything, None if none does."""
    for path in paths:
        value = _get(body, path)
        if value:
            return value
    return None


def _count(body: _Json, path: str) -> int:
    """Read a number of tokens at a path of keys. Return 0 for anything that is not one: no whole
    number, a negative one, or more than any call has.
    """
    value = _get(body, path)
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 < value <= _MOST_TOKENS else 0


def _usage(
    prompt: int, output: int, *, cached: int = 0, written: int = 0, thinking: int = 0
) -> Usage:
    """Make the usage of one call. A part of the prompt or output is never more than the whole."""
    return Usage(
        calls=1,
        prompt_tokens=prompt,
        cached_tokens=min(cached, prompt),
        written_tokens=min(written, prompt),
        output_tokens=output,
        thinking_tokens=min(thinking, output),
    )


def describe_garbled(body: object) -> str:
    """Say in a few words what a reply is that is not an answer: JSON that ends too early, another
    text (its beginning is shown), or JSON without a message (its error is shown if it has one).

    >>> describe_garbled("<html>Sign in</html>")
    "not JSON: '<html>Sign in</html>'"
    """
    if isinstance(body, str):
        # masked before it is cut: a part of a key would not be found
        beginning = mask(body)[:_SHOWN]
        # the first half of an answer
        if beginning.lstrip().startswith(("{", "[")):
            return BROKEN
        return f"not JSON: {beginning!r}"
    error = _find_choice_error(body) or _get(body, "error")
    if not error:
        return "no message in it"
    return f"no message in it; {mask(str(error))[:200]}"


def _find_choice_error(body: object) -> Any:
    """Return the error beside an empty message: a gateway's provider failed after it had begun.
    None if there is no error, if the message has an answer, or if the reply has another form.
    """
    try:
        choice = body["choices"][0]  # type: ignore[index]
        message = choice["message"]
        has_answer = message.get("content") or message.get("tool_calls")
        if has_answer:
            return None
        return choice.get("error")
    except (LookupError, TypeError, AttributeError):
        return None

"""Read replies of any provider as text, ending, usage and the model's name.

Live replies are objects of an SDK, those of a batch are JSON; both are read as plain dictionaries.
The forms are those of OpenAI's chat completions (also Azure, Groq, Mistral, OpenRouter, LiteLLM,
Ollama, vLLM, llama.cpp), Anthropic's messages, Gemini's generated content, and Bedrock's converse.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from extractor.masking import mask, mask_known
from extractor.model.answer_text import Place, find_answer
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
_CUT = ("length", "max_tokens", "MAX_TOKENS")
"""Reasons of all providers for an end at the output limit."""
_BLOCKED = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"}
)


class Ending(StrEnum):
    """Why a model stopped: it had finished, the output limit cut it, or it refused (or a filter
    did).
    """

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
    """A reply that is no answer of a model, such as a proxy's page, a truncated body or an error
    with status 200.
    """


def read_completion(reply: object) -> Completion:
    """Read a reply. Raises ``GarbledReply`` if it is no answer.

    >>> read_completion(
    ...     {"choices": [{"message": {"content": "{}"}, "finish_reason": "length"}], "model": "m"}
    ... ).ending
    <Ending.COMPLETE: 'complete'>
    """
    body = as_json(reply)
    if _find_choice_error(body):
        raise GarbledReply(describe_garbled(body))
    for key, read in _READERS.items():
        if isinstance(body, Mapping) and body.get(key):
            try:
                said = read(body)
            except (LookupError, TypeError, AttributeError):
                break
            if not (isinstance(said.model, str) and isinstance(said.reason, str)):
                break
            return _complete(said)
    raise GarbledReply(describe_garbled(body))


def _complete(said: "_Said") -> Completion:
    is_cut = said.reason in _CUT
    found = find_answer(said.places, is_cut=is_cut)
    if said.problem:
        ending = Ending.REFUSED
    elif is_cut and not (
        found.complete or is_json(found.text)
    ):  # perhaps the limit cut only white space behind it
        ending = Ending.CUT
    else:
        ending = Ending.COMPLETE
    # A reply without a prompt, or with an answer of no tokens, does not say what it cost. An SDK
    # makes 1 of true.
    has_usage = said.usage.prompt_tokens > 1 and (said.usage.output_tokens > 0 or not found.text)
    return Completion(
        text=found.text,
        ending=ending,
        usage=said.usage if has_usage else Usage(calls=1),
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
    """Convert a reply of an SDK to plain data. Return None if its parts have types that no reply
    has.
    """
    dump: Callable[..., Any] | None = getattr(reply, "model_dump", None)
    if dump is None:
        return reply
    for mode in ("json", "python"):  # text with half of a surrogate pair is no JSON
        with suppress(ValueError, TypeError, RecursionError):
            return dump(mode=mode, warnings=False)
    return None


class _Said(NamedTuple):
    """What a reply says: why it ended, its texts, why the model refused, and its usage."""

    reason: str
    places: Sequence[Place]
    problem: str = ""
    usage: Usage = Usage()
    model: str = ""


def _read_chat(body: _Json) -> _Said:
    """Read OpenAI's chat completion.

    llama.cpp reports cached tokens in its timings, or beside the answer; some servers count
    thinking only in the total.
    """
    choice = body["choices"][0]
    usage = body.get("usage") or {}
    message = choice["message"]
    reason = choice.get("finish_reason") or ""
    problem = f"the model refused: {message['refusal'][:200]}" if message.get("refusal") else ""
    if reason == "content_filter":
        problem = "the provider's content filter stopped the answer"
    prompt = _count(usage, "prompt_tokens")
    output = _count(usage, "completion_tokens")
    places = (
        (usage.get("prompt_tokens_details"), "cached_tokens"),
        (body.get("timings"), "cache_n"),
    )
    cached = next(
        (n for place, key in (*places, (body, "tokens_cached")) if (n := _count(place, key))), 0
    )
    thinking = _count(usage.get("completion_tokens_details"), "reasoning_tokens")
    unnamed = max(0, _count(usage, "total_tokens") - prompt - output)
    tokens = _usage(prompt, output + unnamed, cached=cached, thinking=max(thinking, unnamed))
    return _Said(
        reason, _list_message_places(message, reason), problem, tokens, body.get("model") or ""
    )


def _list_message_places(message: _Json, reason: str) -> list[Place]:
    """List the texts of a message of OpenAI's form: thoughts, what was said, and the arguments
    of each call.
    """
    thoughts = [
        Place(name, _write(message[name]), is_thought=True)
        for name in _THOUGHTS
        if message.get(name)
    ]
    content = message.get("content")
    parts = content if isinstance(content, list) and all(map(_is_part, content)) else None
    if parts is None:
        said = [Place("content", _write(content))]
    else:
        thoughts += [
            Place("a thought", _text_of(part), is_thought=True)
            for part in parts
            if _is_thought(part)
        ]
        said = [
            Place("content", "".join(_text_of(part) for part in parts if not _is_thought(part)))
        ]
    called = [call["function"]["arguments"] for call in message.get("tool_calls") or ()]
    if message.get("function_call"):  # as it was before there were tools
        called.append(message["function_call"]["arguments"])
    return [*thoughts, *said, *_list_calls(reason, called)]


def _read_message(body: _Json) -> _Said:
    """Read Anthropic's message. Its input tokens leave out those that a cache served or took."""
    reason = body["stop_reason"]
    parts = body.get("content") or ()
    usage = body.get("usage") or {}
    cached = _count(usage, "cache_read_input_tokens")
    written = _count(usage, "cache_creation_input_tokens")
    prompt = _count(usage, "input_tokens") + cached + written
    output = _count(usage, "output_tokens")
    thinking = _count(usage.get("output_tokens_details"), "thinking_tokens")
    return _Said(
        reason,
        [
            *(
                Place("thinking", part.get("thinking") or "", is_thought=True)
                for part in parts
                if _is_thought(part)
            ),
            Place("content", "".join(part["text"] for part in parts if part["type"] == "text")),
            *_list_calls(reason, [part["input"] for part in parts if part["type"] == "tool_use"]),
        ],
        "the model refused" if reason == "refusal" else "",
        _usage(prompt, output, cached=cached, written=written, thinking=thinking),
        body.get("model") or "",
    )


def _read_candidates(body: _Json) -> _Said:
    """Read Gemini's generated content, whose tokens of thinking stand apart from those of the
    answer.
    """
    candidate = (body.get("candidates") or [{}])[0]
    usage = body.get("usage_metadata") or {}
    reason = candidate.get("finish_reason") or ""
    parts = (candidate.get("content") or {}).get("parts") or ()
    blocked = (body.get("prompt_feedback") or {}).get("block_reason") or (
        reason if reason in _BLOCKED else ""
    )
    thinking = _count(usage, "thoughts_token_count")
    cached = _count(usage, "cached_content_token_count")
    output = _count(usage, "candidates_token_count") + thinking
    return _Said(
        reason,
        [
            *(
                Place("a thought", part.get("text") or "", is_thought=True)
                for part in parts
                if part.get("thought")
            ),
            Place(
                "content",
                "".join(part.get("text") or "" for part in parts if not part.get("thought")),
            ),
            *_list_calls(
                reason,
                [part["function_call"]["args"] for part in parts if part.get("function_call")],
            ),
        ],
        f"the provider's filter stopped the answer ({blocked})" if blocked else "",
        _usage(_count(usage, "prompt_token_count"), output, cached=cached, thinking=thinking),
        body.get("model_version") or "",
    )


def _read_converse(body: _Json) -> _Said:
    """Read Bedrock's converse."""
    reason = body.get("stopReason") or ""
    parts = body["output"]["message"]["content"]
    usage = body.get("usage") or {}
    cached = _count(usage, "cacheReadInputTokens")
    written = _count(usage, "cacheWriteInputTokens")
    prompt = _count(usage, "inputTokens") + cached + written
    output = _count(usage, "outputTokens")
    return _Said(
        reason,
        [
            *(
                _place_thought(part["reasoningContent"])
                for part in parts
                if "reasoningContent" in part
            ),
            Place("content", "".join(part.get("text", "") for part in parts)),
            *_list_calls(reason, [part["toolUse"]["input"] for part in parts if "toolUse" in part]),
        ],
        "the provider's filter stopped the answer"
        if reason in ("guardrail_intervened", "content_filtered")
        else "",
        _usage(prompt, output, cached=cached, written=written),
    )


_READERS: Mapping[str, Callable[[_Json], _Said]] = {
    "choices": _read_chat,
    "stop_reason": _read_message,
    "candidates": _read_candidates,
    "prompt_feedback": _read_candidates,
    "output": _read_converse,
}
"""Each form of a reply by a key that only it has."""


_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thoughts")
"""What servers of OpenAI's form call a message's thoughts."""


def _list_calls(reason: str, called: Sequence[object]) -> list[Place]:
    """Return the arguments of the calls of tools as texts."""
    names = (
        ["the tool call"]
        if len(called) == 1
        else [f"tool call {number}" for number in range(1, len(called) + 1)]
    )
    texts = [_write_arguments(each) for each in called]
    if reason in _CUT and called and isinstance(called[-1], Mapping):
        texts[-1] = texts[-1].removesuffix(
            "}"
        )  # providers close brackets that the output limit left open
    return [Place(name, text, is_call=True) for name, text in zip(names, texts, strict=True)]


def _write_arguments(arguments: object) -> str:
    """Write the arguments of a call as text. Raises ``TypeError`` for what no call has."""
    is_list = isinstance(arguments, list) and all(isinstance(each, Mapping) for each in arguments)
    if not isinstance(arguments, str | Mapping) and not is_list:
        raise TypeError(f"{arguments!r} are no arguments")
    return _write(arguments)


def _write(content: object) -> str:
    """Return the text of a message, which a server may have parsed already."""
    if isinstance(content, Mapping | list):
        return json.dumps(content, ensure_ascii=False)
    return str(content or "")


def _is_part(part: object) -> bool:
    return isinstance(part, Mapping) and ("text" in part or "type" in part)


def _is_thought(part: _Json) -> bool:
    kind = str(part.get("type") or "")
    return "think" in kind or "reason" in kind


def _text_of(part: _Json) -> str:
    """Return the text of a part of a message, whose thoughts may come in parts of their own."""
    said = part.get("text") or part.get("thinking") or part.get("reasoning") or ""
    if isinstance(said, list):
        return "".join(_text_of(each) for each in said if isinstance(each, Mapping))
    return str(said)


def _place_thought(part: _Json) -> Place:
    text = part.get("reasoningText")
    return Place(
        "reasoningContent",
        str(text.get("text") or "") if isinstance(text, Mapping) else "",
        is_thought=True,
    )


def _count(place: object, key: str) -> int:
    """Read a number of tokens. Return 0 for anything that is not one."""
    value = place.get(key) if isinstance(place, Mapping) else None
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST_TOKENS
        else 0
    )


def _usage(
    prompt: int, output: int, *, cached: int = 0, written: int = 0, thinking: int = 0
) -> Usage:
    return Usage(
        calls=1,
        prompt_tokens=prompt,
        cached_tokens=min(cached, prompt),
        written_tokens=min(written, prompt),
        output_tokens=output,
        thinking_tokens=min(thinking, output),
    )


def describe_garbled(body: object) -> str:
    """Say in a few words what a reply is that is not an answer.

    >>> describe_garbled("<html>Sign in</html>")
    "not JSON: '<html>Sign in</html>'"
    """
    if isinstance(body, str):
        beginning = mask(body)[:_SHOWN]  # a key that is cut would not be found
        return BROKEN if beginning.lstrip()[:1] in ("{", "[") else f"not JSON: {beginning!r}"
    error = _find_choice_error(body) or (body.get("error") if isinstance(body, Mapping) else None)
    return f"no message in it; {mask(str(error))[:200]}" if error else "no message in it"


def _find_choice_error(body: object) -> Any:
    """Return the error beside an empty message: a gateway's provider failed after it had begun
    to answer.
    """
    try:
        choice = body["choices"][0]  # type: ignore[index]
        message = choice["message"]
        is_empty = not (message.get("content") or message.get("tool_calls"))
        return choice.get("error") if is_empty else None
    except (LookupError, TypeError, AttributeError):
        return None

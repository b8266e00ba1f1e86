"""Read replies of any provider as text, ending, usage and the model's name.

Live replies are objects of an SDK, those of a batch are JSON; both are read as plain dictionaries. The forms are those
of OpenAI's chat completions (also Azure, Groq, Mistral, OpenRouter, LiteLLM, Ollama, vLLM, llama.cpp), Anthropic's
messages, Gemini's generated content, and Bedrock's converse.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from extractor.schemas import Usage

from .spec import shown_model

_Json = Mapping[str, Any]
BROKEN = "broken JSON"
"""How messages describe a reply that ends too early."""
_SHOWN = 80
"""Characters of a reply that messages show."""
_MOST_TOKENS = 10**9
"""No call has more. A larger number would be no count, and its sums would not fit into the store."""
_FENCED = re.compile(r"```(?:json)?(.*)```", re.DOTALL)
_BEGINNING = re.compile(r'\{\s*"items"\s*:|\[\s*\{\s*"n"\s*:')
_THINKING = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_CUT = ("length", "max_tokens", "MAX_TOKENS")
"""Reasons of all providers for an end at the output limit."""
_BLOCKED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"})


class Ending(StrEnum):
    """Why a model stopped: it had finished, the output limit cut it, or it refused (or a filter did)."""

    COMPLETE = "complete"
    CUT = "cut"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer as text, which should be JSON. ``problem`` says why the model refused, ``reason`` why it stopped."""

    text: str
    ending: Ending
    usage: Usage = field(default_factory=lambda: Usage(calls=1))
    model: str = ""
    problem: str = ""
    reason: str = ""


class GarbledReply(Exception):
    """A reply that is no answer of a model, such as a proxy's page, a truncated body or an error with status 200."""


def read_completion(reply: object) -> Completion:
    """Read a reply. Raises ``GarbledReply`` if it is no answer.

    >>> read_completion({"choices": [{"message": {"content": "{}"}, "finish_reason": "length"}], "model": "m"}).ending
    <Ending.COMPLETE: 'complete'>
    """
    body = as_json(reply)
    for key, read in _READERS.items():
        if isinstance(body, Mapping) and body.get(key):
            try:
                found = read(body)
            except (LookupError, TypeError, AttributeError):
                break
            is_cut = found.reason in _CUT
            text = found.text if found.called is None else found.called
            if isinstance(text, dict):  # providers close brackets that the output limit left open
                text = json.dumps(text).removesuffix("}" if is_cut else "")
            if not (isinstance(text, str) and isinstance(found.model, str) and isinstance(found.reason, str)):
                break
            text = unwrap_json(text)
            is_cut = is_cut and not is_json(text)  # perhaps the limit cut only white space after the answer
            ending = Ending.REFUSED if found.problem else Ending.CUT if is_cut else Ending.COMPLETE
            return Completion(text, ending, found.usage, shown_model(found.model), found.problem, found.reason)
    raise GarbledReply(describe_garbled(body))


def unwrap_json(text: str) -> str:
    r"""Extract the JSON from a model's text, without fences, thoughts or prose. A bare list becomes the items.

    >>> unwrap_json('<think>Hm.</think>```json\n{"items":[]}\n```')
    '{"items":[]}'
    >>> unwrap_json('Here you are: [{"n": 3}]. Ask me more!')
    '{"items":[{"n": 3}]}'
    """
    text = _THINKING.sub("", text).strip()
    fenced = _FENCED.fullmatch(text)
    text = fenced.group(1).strip() if fenced else text
    begun = _BEGINNING.search(text)
    if (is_json(text) and text.startswith("{")) or begun is None:
        return text
    found = text[begun.start() :]
    try:
        found = found[: json.JSONDecoder().raw_decode(found)[1]]
    except (ValueError, RecursionError):
        return found  # perhaps truncated
    return f'{{"items":{found}}}' if found.startswith("[") else found


def is_json(text: str) -> bool:
    """Return whether the text is a complete JSON document."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def as_json(reply: object) -> Any:
    """Convert a reply of an SDK to plain data. Return None if its parts have types that no reply has."""
    dump: Callable[..., Any] | None = getattr(reply, "model_dump", None)
    try:
        return dump(mode="json", warnings=False) if dump else reply
    except (ValueError, TypeError, RecursionError):
        return None


class _Said(NamedTuple):
    """What a reply says: why it ended, its text or the arguments of a tool, why the model refused, and its usage."""

    reason: str
    text: str
    called: object = None
    problem: str = ""
    usage: Usage = Usage()
    model: str = ""


def _read_chat(body: _Json) -> _Said:
    """Read OpenAI's chat completion.

    llama.cpp reports cached tokens in its timings, or beside the answer; some servers count thinking only in the total.
    """
    choice, usage = body["choices"][0], body.get("usage") or {}
    message, reason = choice["message"], choice.get("finish_reason") or ""
    called = message.get("tool_calls") or ()
    problem = f"the model refused: {message['refusal'][:200]}" if message.get("refusal") else ""
    if reason == "content_filter":
        problem = "the provider's content filter stopped the answer"
    prompt, output = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    places = ((usage.get("prompt_tokens_details"), "cached_tokens"), (body.get("timings"), "cache_n"))
    cached = next((n for place, key in (*places, (body, "tokens_cached")) if (n := _count(place, key))), 0)
    thinking = _count(usage.get("completion_tokens_details"), "reasoning_tokens")
    unnamed = max(0, _count(usage, "total_tokens") - prompt - output)
    tokens = _usage(prompt, output + unnamed, cached=cached, thinking=max(thinking, unnamed))
    arguments = called[0]["function"]["arguments"] if called else None
    return _Said(reason, _join(message.get("content")), arguments, problem, tokens, body.get("model") or "")


def _read_message(body: _Json) -> _Said:
    """Read Anthropic's message. Its input tokens leave out those that a cache served or took."""
    reason, parts, usage = body["stop_reason"], body.get("content") or (), body.get("usage") or {}
    cached, written = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
    prompt, output = _count(usage, "input_tokens") + cached + written, _count(usage, "output_tokens")
    thinking = _count(usage.get("output_tokens_details"), "thinking_tokens")
    return _Said(
        reason,
        "".join(part["text"] for part in parts if part["type"] == "text"),
        next((part["input"] for part in parts if part["type"] == "tool_use"), None),
        "the model refused" if reason == "refusal" else "",
        _usage(prompt, output, cached=cached, written=written, thinking=thinking),
        body.get("model") or "",
    )


def _read_candidates(body: _Json) -> _Said:
    """Read Gemini's generated content, whose tokens of thinking stand apart from those of the answer."""
    candidate, usage = (body.get("candidates") or [{}])[0], body.get("usage_metadata") or {}
    reason, parts = candidate.get("finish_reason") or "", (candidate.get("content") or {}).get("parts") or ()
    blocked = (body.get("prompt_feedback") or {}).get("block_reason") or (reason if reason in _BLOCKED else "")
    thinking, cached = _count(usage, "thoughts_token_count"), _count(usage, "cached_content_token_count")
    output = _count(usage, "candidates_token_count") + thinking
    return _Said(
        reason,
        "".join(part.get("text") or "" for part in parts if not part.get("thought")),
        next((part["function_call"]["args"] for part in parts if part.get("function_call")), None),
        f"the provider's filter stopped the answer ({blocked})" if blocked else "",
        _usage(_count(usage, "prompt_token_count"), output, cached=cached, thinking=thinking),
        body.get("model_version") or "",
    )


def _read_converse(body: _Json) -> _Said:
    """Read Bedrock's converse."""
    reason, parts = body.get("stopReason") or "", body["output"]["message"]["content"]
    usage = body.get("usage") or {}
    cached, written = _count(usage, "cacheReadInputTokens"), _count(usage, "cacheWriteInputTokens")
    prompt, output = _count(usage, "inputTokens") + cached + written, _count(usage, "outputTokens")
    return _Said(
        reason,
        "".join(part.get("text", "") for part in parts),
        next((part["toolUse"]["input"] for part in parts if "toolUse" in part), None),
        "the provider's filter stopped the answer" if reason in ("guardrail_intervened", "content_filtered") else "",
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


def _join(content: object) -> str:
    """Join the text of a message, which may come in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return str(content or "")


def _count(place: object, key: str) -> int:
    """Read a number of tokens. Return 0 for anything that is not one."""
    value = place.get(key) if isinstance(place, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST_TOKENS else 0


def _usage(prompt: int, output: int, *, cached: int = 0, written: int = 0, thinking: int = 0) -> Usage:
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
        beginning = body[:_SHOWN]
        return BROKEN if beginning.lstrip()[:1] in ("{", "[") else f"not JSON: {beginning!r}"
    error = body.get("error") if isinstance(body, Mapping) else None
    return f"no message in it; {str(error)[:200]}" if error else "no message in it"

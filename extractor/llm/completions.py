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
from typing import Any

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
            if not all(isinstance(one, str) for one in (found.text, found.model, found.reason)):
                break
            text = unwrap_json(found.text)
            # Perhaps the limit cut only white space after the answer.
            ending = Ending.COMPLETE if found.ending is Ending.CUT and is_json(text) else found.ending
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


def _read_chat(body: _Json) -> Completion:
    """Read OpenAI's chat completion."""
    choice = body["choices"][0]
    message, reason = choice["message"], choice.get("finish_reason") or ""
    called = message.get("tool_calls") or ()
    text = called[0]["function"]["arguments"] if called else _join(message.get("content"))
    text = json.dumps(text) if isinstance(text, dict) else text  # Mistral's arguments are no text
    problem = f"the model refused: {message['refusal'][:200]}" if message.get("refusal") else ""
    if reason == "content_filter":
        problem = "the provider's content filter stopped the answer"
    ending = Ending.REFUSED if problem else Ending.CUT if reason == "length" else Ending.COMPLETE
    return Completion(text, ending, _read_chat_usage(body), body.get("model") or "", problem, reason)


def _read_chat_usage(body: _Json) -> Usage:
    """Read the usage of a chat completion. llama.cpp reports cached tokens in its timings, or beside the answer.

    Some servers count thinking only in the total.
    """
    usage = body.get("usage") or {}
    prompt, output = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    places = ((usage.get("prompt_tokens_details"), "cached_tokens"), (body.get("timings"), "cache_n"))
    cached = next((n for place, key in (*places, (body, "tokens_cached")) if (n := _count(place, key))), 0)
    thinking = _count(usage.get("completion_tokens_details"), "reasoning_tokens")
    unnamed = max(0, _count(usage, "total_tokens") - prompt - output)
    return _usage(prompt, output + unnamed, cached=cached, thinking=max(thinking, unnamed))


def _read_message(body: _Json) -> Completion:
    """Read Anthropic's message. Its input tokens leave out those that a cache served or took."""
    reason = body["stop_reason"]
    parts = body.get("content") or ()
    called = [part["input"] for part in parts if part["type"] == "tool_use"]
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    text = _write(called[0], is_cut=reason == "max_tokens") if called else text
    problem = "the model refused" if reason == "refusal" else ""
    ending = Ending.REFUSED if problem else Ending.CUT if reason == "max_tokens" else Ending.COMPLETE
    usage = body.get("usage") or {}
    cached, written = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
    prompt, output = _count(usage, "input_tokens") + cached + written, _count(usage, "output_tokens")
    thinking = _count(usage.get("output_tokens_details"), "thinking_tokens")
    counted = _usage(prompt, output, cached=cached, written=written, thinking=thinking)
    return Completion(text, ending, counted, body.get("model") or "", problem, reason)


def _read_candidates(body: _Json) -> Completion:
    """Read Gemini's generated content, whose tokens of thinking stand apart from those of the answer."""
    candidate = (body.get("candidates") or [{}])[0]
    reason = candidate.get("finish_reason") or ""
    parts = (candidate.get("content") or {}).get("parts") or ()
    called = [part["function_call"]["args"] for part in parts if part.get("function_call")]
    text = "".join(part.get("text") or "" for part in parts if not part.get("thought"))
    text = _write(called[0], is_cut=reason == "MAX_TOKENS") if called else text
    blocked = (body.get("prompt_feedback") or {}).get("block_reason") or (reason if reason in _BLOCKED else "")
    problem = f"the provider's filter stopped the answer ({blocked})" if blocked else ""
    ending = Ending.REFUSED if problem else Ending.CUT if reason == "MAX_TOKENS" else Ending.COMPLETE
    usage = body.get("usage_metadata") or {}
    thinking, cached = _count(usage, "thoughts_token_count"), _count(usage, "cached_content_token_count")
    output = _count(usage, "candidates_token_count") + thinking
    counted = _usage(_count(usage, "prompt_token_count"), output, cached=cached, thinking=thinking)
    return Completion(text, ending, counted, body.get("model_version") or "", problem, reason)


def _read_converse(body: _Json) -> Completion:
    """Read Bedrock's converse."""
    reason, parts = body.get("stopReason") or "", body["output"]["message"]["content"]
    called = [part["toolUse"]["input"] for part in parts if "toolUse" in part]
    text = "".join(part.get("text", "") for part in parts)
    text = _write(called[0], is_cut=reason == "max_tokens") if called else text
    blocked = reason in ("guardrail_intervened", "content_filtered")
    ending = Ending.REFUSED if blocked else Ending.CUT if reason == "max_tokens" else Ending.COMPLETE
    usage = body.get("usage") or {}
    cached, written = _count(usage, "cacheReadInputTokens"), _count(usage, "cacheWriteInputTokens")
    prompt = _count(usage, "inputTokens") + cached + written
    counted = _usage(prompt, _count(usage, "outputTokens"), cached=cached, written=written)
    return Completion(text, ending, counted, "", "the provider's filter stopped the answer" if blocked else "", reason)


_READERS: Mapping[str, Callable[[_Json], Completion]] = {
    "choices": _read_chat,
    "stop_reason": _read_message,
    "candidates": _read_candidates,
    "prompt_feedback": _read_candidates,
    "output": _read_converse,
}
"""Each form of a reply by a key that only it has."""


def _write(arguments: object, *, is_cut: bool) -> str:
    """Return the arguments of a called tool. Providers close brackets that the output limit left open."""
    text = json.dumps(arguments)
    return text.removesuffix("}") if is_cut else text


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

"""What identifies a request, and why one was not found among recorded ones."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["describe_miss", "exchange_key", "identity_of", "request_key"]

_LIMITS = frozenset({"max_tokens", "max_completion_tokens"})
_SHOWN_LINES = 24
_SHOWN_WIDTH = 160


def identity_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request asks: messages, tools, response format and grammar, whatever model and sampling.

    Servers give tool calls random names, which a re-ask repeats; they become their position.

    >>> call = {"role": "assistant", "tool_calls": [{"id": "call_x81", "function": {"name": "answer"}}]}
    >>> identity_of({"model": "m", "messages": [call]})["messages"][0]["tool_calls"][0]["id"]
    'call_0'
    """
    names: dict[str, str] = {}

    def rename(name: str) -> str:
        return names.setdefault(name, f"call_{len(names)}")

    messages = []
    for message in body.get("messages") or []:
        renamed = dict(message)
        if renamed.get("tool_calls"):
            renamed["tool_calls"] = [{**call, "id": rename(call.get("id", ""))} for call in renamed["tool_calls"]]
        if renamed.get("tool_call_id"):
            renamed["tool_call_id"] = rename(renamed["tool_call_id"])
        messages.append(renamed)
    asked = {"messages": messages, "tools": body.get("tools"), "response_format": body.get("response_format")}
    return asked | {"grammar": body["grammar"]} if body.get("grammar") else asked


def exchange_key(body: Mapping[str, Any]) -> str:
    """SHA-256 of what a request asks.

    >>> exchange_key({"messages": [], "model": "a"}) == exchange_key({"messages": [], "model": "b", "temperature": 0})
    True
    """
    canonical = json.dumps(identity_of(body), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def request_key(body: Mapping[str, Any]) -> str:
    """SHA-256 of all that decides the answer to a request: what it asks, of which model, with which parameters.

    The output limit is no part of it, since a whole answer is the same under any.

    >>> request_key({"messages": [], "max_tokens": 5}) == request_key({"messages": [], "max_completion_tokens": 9})
    True
    >>> request_key({"messages": [], "model": "a"}) == request_key({"messages": [], "model": "b"})
    False
    """
    parameters = {name: value for name, value in body.items() if name not in _LIMITS}
    canonical = json.dumps(parameters | identity_of(body), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def describe_miss(wanted: Mapping[str, Any], recorded: Mapping[str, Mapping[str, Any]], place: str) -> str:
    """A message that shows the recorded request nearest to the wanted one, and what differs.

    ``recorded`` maps the names of recordings to their requests; ``place`` says where they are.

    >>> print(describe_miss({"messages": [{"role": "user", "content": "two"}]},
    ...                     {"a.json": {"messages": [{"role": "user", "content": "one"}]}}, "answers"))
    no recording of this request in answers; nearest is a.json, which differs in messages[0] (user)
    --- a.json
    +++ this request
     messages[0] (user):
    -one
    +two
    record it again, or replay with the prompts and settings it was recorded with
    """
    remedy = "record it again, or replay with the prompts and settings it was recorded with"
    if not recorded:
        return f"no recording of this request in {place}, which is empty; {remedy}"
    asked = _lines(wanted)
    name = _nearest(asked, {name: _lines(request) for name, request in recorded.items()})
    places = ", ".join(_differing(wanted, recorded[name])) or "nothing but the number of times it is asked"
    headline = f"no recording of this request in {place}; nearest is {name}, which differs in {places}"
    return "\n".join([headline, *_difference(_lines(recorded[name]), asked, name), remedy])


def _lines(body: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for title, part in _parts(body).items():
        text = part if isinstance(part, str) else json.dumps(part, indent=1, sort_keys=True, ensure_ascii=False)
        lines += [f"{title}:", *text.splitlines()]
    return lines


def _parts(body: Mapping[str, Any]) -> dict[str, Any]:
    identity = identity_of(body)
    parts = {f"messages[{i}] ({m.get('role')})": _content(m) for i, m in enumerate(identity["messages"])}
    return parts | {name: identity[name] for name in ("tools", "response_format", "grammar") if identity.get(name)}


def _content(message: Mapping[str, Any]) -> Any:
    if message.keys() <= {"role", "content"}:
        return message.get("content")
    return {key: value for key, value in message.items() if key != "role"}


def _nearest(asked: list[str], recorded: Mapping[str, list[str]]) -> str:
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(asked)  # what it knows of the second sequence is kept between comparisons
    best, name_of_best = -1.0, ""
    for name in sorted(recorded):
        matcher.set_seq1(recorded[name])
        if matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, name_of_best = ratio, name
    return name_of_best


def _differing(wanted: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[str]:
    ours, theirs = _parts(wanted), _parts(recorded)
    return [title for title in ours | theirs if ours.get(title) != theirs.get(title)]


def _difference(recorded: Iterable[str], asked: Iterable[str], name: str) -> list[str]:
    lines = difflib.unified_diff(list(recorded), list(asked), name, "this request", n=1, lineterm="")
    shown = [line[:_SHOWN_WIDTH] for line in lines if not line.startswith("@@")]
    hidden = len(shown) - _SHOWN_LINES
    return shown[:_SHOWN_LINES] + ([f"... {hidden} more lines differ"] if hidden > 0 else [])

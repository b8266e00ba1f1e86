"""Read the ending, usage and model name from any provider's replies, and the answer in replies
that instructor does not read as a whole: answers with reasoning, drafts or errors, and batches.

Live replies are SDK objects, and replies in a batch are JSON; both are read as plain data. The
supported formats are OpenAI's chat completions, Anthropic's messages and Gemini's generated
content, each with a table in ``reply_forms.toml``. ``answer_text`` finds the answer in the text of
a reply. A reply that is not a model's answer, such as a proxy's page, a truncated body or an error
with status 200, becomes a ``Failure`` with a readable description. The usage in a reply is treated
as plausible if it includes prompt tokens and, if there is text, output tokens.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json

from extractor.language.values import list_members
from extractor.masking import mask, mask_known
from extractor.model.answer_text import find_answer, read_whole
from extractor.model.calls import ReplyModel
from extractor.model.pace import Failure
from extractor.model.spec import shown_model
from extractor.resources import read_toml
from extractor.schemas import Usage
from extractor.schemas.paths import Step, read_path

_TABLE = read_toml(__package__, "reply_forms.toml")
_FORMS: Sequence[Mapping[str, Any]] = _TABLE["forms"]
"""The places of the data in each format of replies; ``reply_forms.toml`` explains them."""
_MOST_TOKENS = 10**9
"""More tokens than any call can use. Larger numbers are implausible and would not fit in the
store.
"""


class Ending(StrEnum):
    """Why a model stopped: its answer was complete, the output limit truncated the answer, the
    model refused to answer, or a filter blocked the answer.
    """

    COMPLETE = "complete"
    CUT = "cut"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer as text, which should be JSON.

    ``remark`` explains a refusal, or an uncertainty in reading the answer. ``stated_usage`` is None
    if the reply does not state plausible usage. ``line`` is the digest of the line of an answer
    file that contains the answer, if it is read from a file. ``filled`` is the answer if instructor
    could read all of it.
    """

    text: str
    ending: Ending
    stated_usage: Usage | None = field(default_factory=lambda: Usage(calls=1))
    model: str = ""
    remark: str = ""
    line: str = ""
    filled: ReplyModel | None = None

    @property
    def usage(self) -> Usage:
        """The usage; a call without tokens if the reply does not state it."""
        return self.stated_usage or Usage(calls=1)


def read_completion(reply: object, filled: ReplyModel | None = None) -> Completion:
    """Read a reply. ``filled`` is what instructor has read in it, or None if it could not read it.
    Raises ``Failure`` if the reply is not an answer.

    An answer is treated as truncated only if the output limit was reached and the answer is
    incomplete, because the limit may have removed only trailing white space.

    >>> reply = {"choices": [{"message": {"content": "{}"}, "finish_reason": "length"}]}
    >>> read_completion(reply).ending
    <Ending.COMPLETE: 'complete'>
    """
    body = as_json(reply)
    form = next((form for form in _FORMS if at(body, form["key"])), None)
    # an unknown format
    if form is None:
        raise read_garbled(body)
    fields = {name: at(body, place) for name, place in form["paths"].items()}
    reason = fields.get("reason", "")
    is_cut = reason in _TABLE["cut"]
    read = _join_texts(fields, form, is_cut=is_cut)
    # a reply that does not match its format
    if read is None or not isinstance(fields["model"], str):
        raise read_garbled(body)
    written = read
    for other in list_members(at(body, form["key"]))[1:]:
        # the items of several answers form one
        with suppress(Failure):
            more = read_completion({**body, form["key"]: [other]})
            written = find_answer(written, is_cut=is_cut)[0] + more.text
    text = _make_storable(written)
    remark = ""
    # instructor reads one part of a message: this is the whole message if that is one document
    is_whole = text == written and is_json(text)
    if filled is None or not is_whole:
        filled = None
        text, remark = find_answer(text, is_cut=is_cut)
    ending = Ending.COMPLETE
    refusal = fields.get("refusal", "")
    if refusal or reason == "refusal":
        remark = f"the model refused: {refusal}"[:200].strip(": ")
        ending = Ending.REFUSED
    elif reason in _TABLE["filtered"]:
        remark = f"the provider's filter stopped the answer ({reason})"
        ending = Ending.REFUSED
    elif is_cut and not is_json(text):
        ending = Ending.CUT
    return Completion(
        text,
        ending,
        read_stated_usage(body, has_failed=not text),
        model=_make_storable(shown_model(fields["model"])),
        remark=_make_storable(remark),
        filled=filled,
    )


def _make_storable(text: str) -> str:
    """Return text of a reply without keys, which a service may repeat, and without halves of
    surrogate pairs, which cannot be stored.
    """
    return mask_known(
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def read_stated_usage(body: object, *, has_failed: bool) -> Usage | None:
    """Return the usage that a reply states, or None if it states no plausible usage. The reply to a
    request that ``has_failed`` may state it at any depth, and may have no output.
    """
    for form in _FORMS:
        usage = _read_usage(body, form["tokens"])
        # a prompt has more than one token; an SDK converts true to 1
        if usage.prompt_tokens > 1 and (has_failed or usage.output_tokens > 0):
            return usage
    if not has_failed:
        return None
    parts = body
    if isinstance(body, dict):
        parts = body.values()
    if isinstance(parts, str) or not isinstance(parts, Iterable):
        return None
    for part in parts:
        stated = read_stated_usage(part, has_failed=True)
        if stated:
            return stated
    return None


def _join_texts(
    fields: Mapping[str, Any], form: Mapping[str, Any], *, is_cut: bool
) -> str | None:
    """Return the parts of a message as a single string: its reasoning, enclosed in ``<think>``
    tags, followed by its content. If tools are called, their arguments are the content, and any
    other text is treated as reasoning. Returns None if there is no message, if it does not match
    its format, or if a gateway reports that its provider failed.
    """
    message = fields["message"]
    # a list of parts, or a text, which is one part
    content = fields.get("content", "")
    if not isinstance(content, list):
        content = [{"text": _write(content)}]
    parts = [*content, *list_members(fields.get("calls") or None)]
    has_format = all(isinstance(part, dict) for part in (message, *parts))
    if not has_format:
        return None
    thoughts = [_write(message.get(name)) for name in _TABLE["thoughts"]]
    text = ""
    calls: list[str] = []
    for part in parts:
        is_thought = any(map(part.get, _TABLE["thoughts"]))
        if is_thought:
            thoughts.append(_write(at(part, form["thought"])))
            continue
        arguments = _write(at(part, form["arguments"]))
        if arguments:
            calls.append(arguments)
        else:
            text += _write(at(part, "text"))
    has_failed = fields.get("error") and not text and not calls
    if has_failed:
        return None
    if calls:
        # an answer beside the calls is no thought
        if read_whole(text) is None:
            thoughts.append(text)
            text = ""
        text += _join_calls(calls, is_cut=is_cut)
    marked = ""
    # the same thought may stand in two places of a message
    for thought in dict.fromkeys(thoughts):
        if thought:
            marked += f"<think>{thought}</think>"
    return marked + text


def _join_calls(calls: Sequence[str], *, is_cut: bool) -> str:
    """Return the arguments of the tool calls of a message as one text."""
    if is_cut:
        # the limit truncated the arguments, and the provider may have closed their brackets
        return "".join(call.removesuffix("]}") for call in calls)
    if len(calls) == 1:
        return calls[0]
    # the items of all calls form one answer
    wrapped = [f'{{"name":"","call":{call}}}' for call in dict.fromkeys(calls)]
    return "".join(wrapped)


def _write(content: object) -> str:
    """Return the text of a message, even if a server has already parsed its JSON. Returns "" if
    the message is empty.
    """
    if isinstance(content, str):
        return content
    if content:
        return json.dumps(content, ensure_ascii=False, default=str)
    return ""


def _read_usage(body: object, places: Mapping[str, Sequence[str]]) -> Usage:
    """Read the usage of a reply. The numbers of cached tokens and of tokens written to the cache
    are capped at the number of prompt tokens.
    """

    def count(kind: str) -> int:
        numbers = [at(body, place) for place in places.get(kind, ())]
        # only positive integers are accepted
        return sum(n for n in numbers if type(n) is int and 0 < n <= _MOST_TOKENS)

    prompt = count("prompt")
    output = count("output")
    # Gemini's OpenAI-compatible endpoint includes reasoning only in the total.
    unlisted = max(0, count("total") - prompt - output)
    return Usage(
        calls=1,
        prompt_tokens=prompt,
        output_tokens=output + unlisted,
        cached_tokens=min(count("cached"), prompt),
        written_tokens=min(count("written"), prompt),
        thinking_tokens=max(count("thinking"), unlisted),
    )


def is_json(text: str) -> bool:
    """Return True if the text is a complete JSON document."""
    try:
        # bytes, since half of a surrogate pair in text is another error
        from_json(text.encode("utf-8", "surrogatepass"), allow_inf_nan=False)
    except ValueError:
        return False
    return True


def as_json(reply: object) -> Any:
    """Convert a reply from an SDK to plain data. If this fails, return the reply unchanged."""
    if not isinstance(reply, BaseModel):
        return reply
    # text with half of a surrogate pair cannot be converted to JSON
    for mode in ("json", "python"):
        with suppress(ValueError, RecursionError):
            return reply.model_dump(mode=mode, warnings=False)
    return reply


def at(body: object, *places: str) -> Any:
    """Return the first non-empty value found at any of the places, or "" if there is none. A place
    is a path, as explained in ``extractor/schemas/paths.py``.

    >>> at({"choices": [{"index": 7}]}, "error", "choices[0].index")
    7
    """
    for place in places:
        value: Any = body
        for step in read_path(place):
            value = _take(value, step)
        if value:
            return value
    return ""


def _take(value: Any, step: Step) -> Any:
    """Return the member of a value with this name or at this position, or None."""
    if isinstance(value, Mapping) and isinstance(step, str):
        return value.get(step)
    if not isinstance(value, list) or not isinstance(step, int):
        return None
    if -len(value) <= step < len(value):
        return value[step]
    return None


def read_garbled(body: object) -> Failure:
    """Return a failure that describes a reply that is not an answer: nothing, truncated JSON, some
    other text (quoting its beginning), or JSON without a message (including its error, if it has
    one). In each case, the answer behind it may have been charged.

    >>> read_garbled("<html>Sign in</html>").message
    "not JSON: '<html>Sign in</html>'"
    """
    if body == "":
        problem = "the body has no answer"
    elif not isinstance(body, str):
        problem = "without a message"
        error = at(body, "choices[0].error", "error")
        if error:
            problem += f"; {mask(str(error))[:200]}"
    # the beginning of a truncated reply
    elif body.lstrip().startswith(("{", "[")):
        problem = "broken JSON"
    else:
        # mask before truncating, because a truncated key would not be recognised
        problem = f"not JSON: {mask(body)[:80]!r}"
    return Failure(200, problem, kind="garbled")

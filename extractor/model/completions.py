"""Read replies of any provider as text, ending, usage and the model's name.

Live replies are objects of an SDK, those of a batch are JSON; both are read as plain data. The
forms are those of OpenAI's chat completions, Anthropic's messages and Gemini's generated content:
``reply_forms.toml`` has a table for each. The answer is found in the texts of a reply by
``answer_text``. A reply that is not an answer of a model, such as a proxy's page, half a body or an
error with status 200, is a ``Failure`` with a description for people.
What a reply cost is believed if it has a prompt, and tokens for the text that came.
"""

import json
import tomllib
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from typing import Any

from pydantic_core import from_json

from extractor.masking import mask, mask_known
from extractor.model.answer_text import find_answer
from extractor.model.pace import Failure
from extractor.model.spec import shown_model
from extractor.schemas import Usage

_TABLE = tomllib.loads((files(__package__) / "reply_forms.toml").read_text("utf-8"))
_MOST_TOKENS = 10**9
"""More than any call uses; a larger number would not fit in the store."""


class Ending(StrEnum):
    """Why a model stopped: it had finished, the output limit cut it, or it or a filter refused."""

    COMPLETE = "complete"
    CUT = "cut"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer as text, which should be JSON.

    ``problem`` explains a refusal, ``remark`` what is doubtful about how the answer was read.
    Without ``has_usage``, the reply does not state what it cost.
    """

    text: str
    ending: Ending
    usage: Usage = field(default_factory=lambda: Usage(calls=1))
    model: str = ""
    problem: str = ""
    remark: str = ""
    has_usage: bool = True


def read_completion(reply: object) -> Completion:
    """Read a reply. Raises ``Failure`` if it is not an answer.

    An answer is cut only if the output limit ended it and it is not whole: the limit may have cut
    only white space behind it.

    >>> reply = {"choices": [{"message": {"content": "{}"}, "finish_reason": "length"}]}
    >>> read_completion(reply).ending
    <Ending.COMPLETE: 'complete'>
    """
    body = as_json(reply)
    try:
        return _read(body)
    # a form that is not known here, or a reply that breaks it
    except (StopIteration, LookupError, TypeError, AttributeError):
        raise read_garbled(body) from None


def _read(body: Any) -> Completion:
    """Read a reply as plain data. Raises an error of Python if it has no form known here."""
    form = next(form for form in _TABLE["forms"] if at(body, form["key"]))
    found = defaultdict(str)
    for name, place in form["paths"].items():
        found[name] = at(body, place)
    reason = found["reason"]
    is_cut = reason in _TABLE["cut"]
    text, remark = find_answer(_join_texts(found, form, is_cut=is_cut), is_cut=is_cut)
    problem = ""
    if found["refusal"] or reason == "refusal":
        problem = f"the model refused: {found['refusal']}"[:200].strip(": ")
    elif reason in _TABLE["filtered"]:
        problem = f"the provider's filter stopped the answer ({reason})"
    ending = Ending.COMPLETE
    if problem:
        ending = Ending.REFUSED
    elif is_cut and not is_json(text):
        ending = Ending.CUT
    usage = _read_usage(body, form)
    # An SDK makes 1 of true.
    has_usage = usage.prompt_tokens > 1 and (usage.output_tokens > 0 or not text)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    # a service may repeat a key, which goes no further than here
    return Completion(
        mask_known(text),
        ending,
        usage if has_usage else Usage(calls=1),
        mask_known(shown_model(found["model"])),
        mask_known(problem),
        remark,
        has_usage,
    )


def _join_texts(found: dict[str, Any], form: dict[str, Any], *, is_cut: bool) -> str:
    """Return the texts of a message as one: its thoughts with marks, and its content. If tools are
    called, their arguments count, and the content is a thought. Raises an error of Python if there
    is not a message, or the answer of a gateway whose provider failed.
    """
    thoughts = [_write(found["message"].get(name)) for name in _TABLE["thoughts"]]
    content = found["content"]
    if not isinstance(content, list):
        content = [{"text": _write(content)}]
    said = ""
    calls = []
    for part in [*content, *found["calls"]]:
        arguments = at(part, form["arguments"])
        if any(map(part.get, _TABLE["thoughts"])):
            thoughts.append(at(part, form["thought"]))
        elif arguments:
            # providers close what the limit left open
            calls.append(_write(arguments).removesuffix("]}" * is_cut))
        else:
            said += at(part, "text")
    if found["error"] and not said and not calls:
        raise LookupError
    if len(calls) > 1 and not is_cut:
        # the items of all calls are one answer
        calls = [f'{{"name":"","call":{call}}}' for call in dict.fromkeys(calls)]
    if calls:
        thoughts.append(said)
        said = "".join(calls)
    marked = [f"<think>{text}</think>" for text in dict.fromkeys(thoughts) if text]
    return "".join(marked) + said


def _write(content: Any) -> str:
    """Return the text of a message, also of one that a server has parsed already. Nothing is ""."""
    if isinstance(content, str):
        return content
    return json.dumps(content, ensure_ascii=False) if content else ""


def _read_usage(body: Any, form: dict[str, Any]) -> Usage:
    """Read the tokens of a reply. A part of the prompt or output is never more than the whole."""

    def count(name: str) -> int:
        found = [at(body, place) for place in form.get(name, ())]
        # no number with a point, and no negative one
        return sum(n for n in found if type(n) is int and 0 < n <= _MOST_TOKENS)

    prompt = count("prompt")
    output = count("output")
    # Gemini's endpoint in OpenAI's form counts thinking in the total alone.
    unnamed = max(0, count("total") - prompt - output)
    return Usage(
        calls=1,
        prompt_tokens=prompt,
        output_tokens=output + unnamed,
        cached_tokens=min(count("cached"), prompt),
        written_tokens=min(count("written"), prompt),
        thinking_tokens=max(count("thinking"), unnamed),
    )


def is_json(text: str) -> bool:
    """Return whether the text is a complete JSON document."""
    try:
        from_json(text, allow_inf_nan=False)
    except ValueError:
        return False
    return True


def as_json(reply: Any) -> Any:
    """Convert a reply of an SDK to plain data. What cannot be converted stays as it is."""
    # text with half of a surrogate pair is no JSON
    for mode in ("json", "python"):
        with suppress(AttributeError, ValueError, TypeError, RecursionError):
            return reply.model_dump(mode=mode, warnings=False)
    return reply


def at(body: Any, *places: str) -> Any:
    """Return what is at the first place that has something; "" if none has. A place is keys and
    numbers in a list, one after the other.

    >>> at({"choices": [{"index": 7}]}, "error", "choices 0 index")
    7
    """
    for place in places:
        found = body
        with suppress(LookupError, TypeError, ValueError):
            for key in place.split():
                found = found[int(key) if isinstance(found, list) else key]
            if found:
                return found
    return ""


def read_garbled(body: object) -> Failure:
    """Describe in a few words a reply that is not an answer: JSON that ends too early, another
    text (its beginning is shown), or JSON without a message (its error is shown if it has one).
    Only if the text is different is it certain that no model was paid for.

    >>> read_garbled("<html>Sign in</html>").said
    "not JSON: '<html>Sign in</html>'"
    """
    if not isinstance(body, str):
        error = at(body, "choices 0 error", "error")
        said = f"; {mask(str(error))[:200]}" if error else ""
        return Failure(200, f"no message in it{said}", kind="broken")
    # the first half of an answer
    if body.lstrip().startswith(("{", "[")):
        return Failure(200, "broken JSON", kind="broken")
    # masked before it is cut: a part of a key would not be found
    return Failure(200, f"not JSON: {mask(body)[:80]!r}", kind="garbled")

"""What a completion cost, as the server says it."""

import json

from openai.types.chat import ChatCompletion

from extractor.schemas import Usage

__all__ = ["UsageTally", "read_raw_usage", "read_usage"]


def read_usage(completion: ChatCompletion) -> Usage:
    """One call with its tokens. A server that reports no usage leaves the tokens at 0: nothing is estimated.

    >>> read_usage(ChatCompletion.model_construct(usage=None))
    Usage(questions=0, open_questions=0, calls=1, prompt_tokens=0, cached_tokens=0, output_tokens=0)
    """
    usage = completion.usage.model_dump() if completion.usage else None
    return _count(usage, (completion.model_extra or {}).get("timings"))


def read_raw_usage(content: bytes) -> Usage:
    """The same of a reply as it came, whatever it is.

    >>> read_raw_usage(b'{"choices": [{"message": {}}], "usage": {"prompt_tokens": 7}}').prompt_tokens
    7
    >>> read_raw_usage(b"<html>")
    Usage(questions=0, open_questions=0, calls=1, prompt_tokens=0, cached_tokens=0, output_tokens=0)
    """
    try:
        reply = json.loads(content)
        whole = reply["choices"][0]["message"] is not None
    except (ValueError, LookupError, TypeError):
        return Usage(calls=1)
    return _count(reply.get("usage"), reply.get("timings")) if whole else Usage(calls=1)


def _count(usage: object, timings: object) -> Usage:
    """llama.cpp tells the tokens served from its cache among its timings."""
    if not isinstance(usage, dict):
        return Usage(calls=1)
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if details else timings.get("cache_n") if isinstance(timings, dict) else None
    return Usage(
        calls=1,
        prompt_tokens=usage.get("prompt_tokens") or 0,
        cached_tokens=cached if isinstance(cached, int) else 0,
        output_tokens=usage.get("completion_tokens") or 0,
    )


class UsageTally:
    """A running sum of usage. Sums that are counted into a parent as well are exact also when a call fails."""

    def __init__(self, parent: "UsageTally | None" = None) -> None:
        self.usage = Usage()
        self._parent = parent

    def add(self, usage: Usage, *, spent: bool = True) -> None:
        """Count ``usage``; what was ``spent`` before is no part of the parent's sum."""
        self.usage = self.usage + usage
        if self._parent and spent:
            self._parent.add(usage)

"""What a completion cost, as the server says it."""

from openai.types.chat import ChatCompletion

from extractor.schemas import Usage

__all__ = ["UsageTally", "read_usage"]


def read_usage(completion: ChatCompletion) -> Usage:
    """One call with its tokens. A server that reports no usage leaves the tokens at 0: nothing is estimated.

    >>> read_usage(ChatCompletion.model_construct(usage=None))
    Usage(questions=0, open_questions=0, calls=1, prompt_tokens=0, cached_tokens=0, output_tokens=0)
    """
    usage = completion.usage
    if usage is None:
        return Usage(calls=1)
    details = usage.prompt_tokens_details
    return Usage(
        calls=1,
        prompt_tokens=usage.prompt_tokens or 0,
        cached_tokens=(details.cached_tokens or 0) if details else _cached_by_llama(completion),
        output_tokens=usage.completion_tokens or 0,
    )


def _cached_by_llama(completion: ChatCompletion) -> int:
    """llama.cpp tells the tokens served from its cache among its timings."""
    timings = (completion.model_extra or {}).get("timings")
    cached = timings.get("cache_n") if isinstance(timings, dict) else None
    return cached if isinstance(cached, int) else 0


class UsageTally:
    """A running sum of usage. Sums that are counted into a parent as well are exact also when a call fails."""

    def __init__(self, parent: "UsageTally | None" = None) -> None:
        self.usage = Usage()
        self._parent = parent

    def add(self, usage: Usage) -> None:
        self.usage = self.usage + usage
        if self._parent:
            self._parent.add(usage)

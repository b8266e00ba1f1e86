"""Which request parameters a server takes: begun with a guess, learnt from its answers."""

from dataclasses import dataclass
from typing import Any

from openai import BadRequestError
from openai.types.chat import ChatCompletion

from extractor.llm.spec import ModelKind

__all__ = ["REASONING_ALLOWANCE", "Dialect"]

REASONING_ALLOWANCE = 8192
"""Tokens that a model which thinks before it answers may spend on it, beside those of the answer."""


@dataclass
class Dialect:
    """How this server wants the output limit and the temperature.

    Hosted reasoning models refuse ``max_tokens`` and any temperature but their own with status 400,
    and count their thinking into the limit; many other servers know ``max_tokens`` alone.
    """

    limit: str
    temperature: bool = True
    allowance: int = 0

    @classmethod
    def of(cls, kind: ModelKind) -> "Dialect":
        return cls("max_completion_tokens" if kind is ModelKind.HOSTED else "max_tokens")

    def parameters(self, max_output_tokens: int) -> dict[str, Any]:
        """The sampling parameters of a request.

        >>> Dialect.of(ModelKind.SERVER).parameters(300)
        {'max_tokens': 300, 'temperature': 0}
        """
        limit = {self.limit: max_output_tokens + self.allowance}
        return limit | {"temperature": 0} if self.temperature else limit

    def learn_refusal(self, error: BadRequestError, sent: dict[str, Any]) -> bool:
        """Whether the refused request is worth sending once more with the parameters as they are now."""
        refused = error.param if error.code in ("unsupported_parameter", "unsupported_value") else None
        if refused == "temperature" and "temperature" in sent:
            self.temperature = False
            return True
        if refused in ("max_tokens", "max_completion_tokens") and refused in sent:
            self.limit = "max_tokens" if refused == "max_completion_tokens" else "max_completion_tokens"
            return True
        return False

    def learn_thinking(self, completion: ChatCompletion, sent: dict[str, Any], max_output_tokens: int) -> bool:
        """Whether the reply was cut because the model thought, and a larger limit is worth a try."""
        choice = completion.choices[0]
        details = completion.usage.completion_tokens_details if completion.usage else None
        thought = bool(details and details.reasoning_tokens)
        thought = thought or bool((choice.message.model_extra or {}).get("reasoning_content"))
        if choice.finish_reason != "length" or not thought:
            return False
        self.allowance = REASONING_ALLOWANCE
        limit = sent.get("max_tokens", sent.get("max_completion_tokens"))
        return limit == max_output_tokens

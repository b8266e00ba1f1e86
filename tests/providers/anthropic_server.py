"""A stand-in for Anthropic's messages.

Written from Anthropic's API reference (pages "Create a Message" and "Errors", and the guides "Prompt
caching" and "Extended thinking"), and from the SDK's types ``anthropic.types.Message`` and
``anthropic.types.Usage``; for Amazon Bedrock, from the page "InvokeModel" of its API reference.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from .standin import OUTPUT, PREFIX, PROMPT, Outcome, Reply, StandIn

_KNOWN = re.compile(
    "model|max_tokens|messages|system|tools|tool_choice|thinking|output_config"
)
_LONGEST = 64_000
_THINKING = {
    "claude-haiku-4-5": ("disabled", ("enabled", "disabled")),
    "claude-sonnet-4-6": ("disabled", ("enabled", "adaptive", "disabled")),
    "claude-opus-5": ("adaptive", ("adaptive", "disabled")),
    "claude-opus-5-5": ("adaptive", ("adaptive",)),
    "claude-sonnet-4-9": ("adaptive", ("adaptive",)),  # made up
}
"""How a model thinks if nothing is said, and what it accepts (page "Migration guide")."""
_REASONS = {"cut": "max_tokens", "refused": "refusal"}
_REASONS |= {"filtered": "refusal", "said": "end_turn"}


@dataclass
class Anthropic(StandIn):
    """The stand-in."""

    def handle(self, path: str, body: bytes) -> Reply:
        request = json.loads(body)
        in_bedrock = re.fullmatch(
            r"/model/(?:\w+\.)*(claude-[\w-]+?)-\d{8}-.*/invoke", path
        )
        if in_bedrock:
            assert request.pop("anthropic_version"), "each request has its version"
            request["model"] = in_bedrock[1]
        else:
            assert self.headers[-1]["anthropic-version"], "each request has its version"
            assert path == "/v1/messages", path
        self.requests.append(request)
        return self.ask(request)

    def find_fault(self, request: dict[str, Any]) -> Reply | None:
        unknown = [
            name
            for name in request
            if not _KNOWN.fullmatch(name) or name in self.refuses
        ]
        default, kinds = _THINKING[request["model"]]
        thinking = request.get("thinking", {"type": default})
        kind, limit = thinking["type"], request["max_tokens"]
        choice = request.get("tool_choice", {}).get("type")
        forces = kind != "disabled" and choice in ("any", "tool")
        has_system = "system" in [one["role"] for one in request["messages"]]
        too_high = (
            f"max_tokens: {limit} > {_LONGEST}, which is the maximum allowed number of "
        )
        faults = {
            f"{' '.join(unknown)}: Extra inputs are not permitted": unknown,
            f"{too_high}output tokens": limit > _LONGEST,
            "`max_tokens` must be greater than `thinking.budget_tokens`.": limit
            <= thinking.get("budget_tokens", 0),
            f'"thinking.type.{kind}" is not supported for this model.': kind
            not in kinds,
            "Thinking may not be enabled when tool_choice forces tool use.": forces,
            'messages: Unexpected role "system".': has_system,
        }
        for message, applies in faults.items():
            if applies:
                return _fail(400, "invalid_request_error", message)
        return None

    def render(self, outcome: Outcome, request: dict[str, Any]) -> Reply:
        if outcome.kind == "limited":
            wait = {"retry-after": f"{outcome.seconds:g}"}
            return _fail(429, "rate_limit_error", "Too many requests", wait)
        if outcome.kind == "overloaded":
            return _fail(529, "overloaded_error", "Overloaded")
        parts: list[dict[str, Any]] = []
        if outcome.kind == "said":
            parts = [{"type": "text", "text": outcome.text, "citations": None}]
        elif outcome.text:
            # the API closes what was left open
            found = from_json(outcome.text, allow_partial=True)
            tool = {"name": request["tools"][0]["name"], "input": found}
            parts = [{"type": "tool_use", "id": "toolu_1", **tool}]
        has_marks = "cache_control" in json.dumps(request)
        read = self.cached if has_marks else 0
        written = PREFIX - read if has_marks else 0
        usage = {
            "input_tokens": PROMPT - read - written,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
            "output_tokens": OUTPUT,
        }
        reason = _REASONS.get(outcome.kind, "tool_use")
        head = {"id": "msg_1", "type": "message", "role": "assistant"}
        ending = {"stop_reason": reason, "stop_sequence": None, "usage": usage}
        return Reply({**head, "model": request["model"], "content": parts, **ending})


def _fail(status: int, kind: str, message: str, headers=None) -> Reply:
    error = {"type": kind, "message": message}
    body = {"type": "error", "error": error, "request_id": "req_1"}
    return Reply(body, status, headers or {})

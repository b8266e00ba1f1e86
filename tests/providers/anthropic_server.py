# fmt: off
"""A stand-in for Anthropic: messages and message batches.

Written from Anthropic's API reference (pages "Create a Message", "Create a Message Batch",
"Retrieve Message Batch results", "Errors", and the guides "Prompt caching" and "Extended
thinking"), and from the SDK's types ``anthropic.types.Message``, ``anthropic.types.Usage``,
``anthropic.types.messages.MessageBatch`` and
``anthropic.types.messages.MessageBatchIndividualResponse``.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from .standin import OUTPUT, PREFIX, PROMPT, Outcome, Reply, StandIn

_KNOWN = re.compile("model|max_tokens|messages|system|tools|tool_choice|thinking|output_config")
_LONGEST = 64_000
_THINKING = {
    "claude-haiku-4-5": ("disabled", ("enabled", "disabled")),
    "claude-sonnet-4-6": ("disabled", ("enabled", "adaptive", "disabled")),
    "claude-opus-5": ("adaptive", ("adaptive", "disabled")),
    "claude-opus-5-5": ("adaptive", ("adaptive",)),
    "claude-sonnet-4-9": ("adaptive", ("adaptive",)),  # made up
}
"""How a model thinks if nothing is said, and what it accepts (page "Migration guide")."""
_REASONS = {"cut": "max_tokens", "thought": "max_tokens", "refused": "refusal"}
_REASONS |= {"filtered": "refusal", "said": "end_turn"}
_DATES = {"expires_at": "2099-11-21T00:00:00Z"}
_NONE = dict.fromkeys(("processing", "errored", "canceled", "expired"), 0)


@dataclass
class Anthropic(StandIn):
    """The stand-in. ``spoils`` come in place of the next downloads."""

    spoils: list[str] = field(default_factory=list)
    batches: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def handle(self, method: str, path: str, body: bytes) -> Reply:
        assert self.headers[-1]["anthropic-version"], "each request names its version"
        path = path.removeprefix("/v1/messages").strip("/")
        if not path:
            self.requests.append(json.loads(body))
            return self.ask(self.requests[-1], self.script)
        name = path.removeprefix("batches").strip("/").partition("/")[0]
        if method == "POST":
            name = f"msgbatch_{len(self.batches)}"
            self.batches[name] = json.loads(body)["requests"]
            return Reply(self._describe(name))
        if not name:
            batches = [*map(self._describe, self.batches)]
            return Reply({"data": batches, "has_more": False})
        if not path.endswith("/results"):
            return Reply(self._describe(name))
        if self.spoils:
            return Reply(self.spoils.pop(0))
        rows = [json.dumps(self._answer(row)) + "\n" for row in self.batches[name]]
        return Reply("".join(reversed(rows)))  # in any order

    def _describe(self, name: str) -> dict[str, Any]:
        counts = _NONE | {"succeeded": len(self.batches[name])}
        results = f"{self.url}/v1/messages/batches/{name}/results"
        state = {"processing_status": "ended", "request_counts": counts}
        return {
            "id": name,
            "type": "message_batch",
            **state,
            **_DATES,
            "created_at": datetime.now(UTC).isoformat(),
            "results_url": results,
        }

    def _answer(self, row: dict[str, Any]) -> dict[str, Any]:
        self.batched.append(row["params"])
        reply = self.ask(row["params"], self.batch_script)
        result = {"type": "errored", "error": reply.body}
        if reply.status == 200:
            result = {"type": "succeeded", "message": reply.body}
        return {"custom_id": row["custom_id"], "result": result}

    def read_user(self, request: dict[str, Any]) -> str:
        content = request["messages"][0]["content"]
        if isinstance(content, str):
            return content
        return "".join(part["text"] for part in content)

    def find_fault(self, request: dict[str, Any]) -> Reply | None:
        unknown = [name for name in request if not _KNOWN.fullmatch(name) or name in self.refuses]
        default, kinds = _THINKING[request["model"]]
        thinking = request.get("thinking", {"type": default})
        kind, limit = thinking["type"], request["max_tokens"]
        choice = request.get("tool_choice", {}).get("type")
        forces = kind != "disabled" and choice in ("any", "tool")
        has_system = "system" in [one["role"] for one in request["messages"]]
        too_high = f"max_tokens: {limit} > {_LONGEST}, which is the maximum allowed number of "
        faults = {
            f"{' '.join(unknown)}: Extra inputs are not permitted": unknown,
            f"{too_high}output tokens": limit > _LONGEST,
            "`max_tokens` must be greater than `thinking.budget_tokens`.": limit <= thinking.get("budget_tokens", 0),
            f'"thinking.type.{kind}" is not supported for this model.': kind not in kinds,
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
        is_thought = outcome.kind == "thought"
        usage = {
            "input_tokens": PROMPT - read - written,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
            "output_tokens": request["max_tokens"] if is_thought else OUTPUT,
        }
        reason = _REASONS.get(outcome.kind, "tool_use")
        head = {"id": "msg_1", "type": "message", "role": "assistant"}
        ending = {"stop_reason": reason, "stop_sequence": None, "usage": usage}
        return Reply({**head, "model": request["model"], "content": parts, **ending})


def _fail(status: int, kind: str, message: str, headers=None) -> Reply:
    error = {"type": kind, "message": message}
    body = {"type": "error", "error": error, "request_id": "req_1"}
    return Reply(body, status, headers or {})

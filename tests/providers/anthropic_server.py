"""A stand-in for Anthropic: messages and message batches.

Written from Anthropic's API reference (pages "Create a Message", "Create a Message Batch",
"Retrieve Message Batch results", "Errors", and the guides "Prompt caching" and "Extended
thinking"), and from the SDK's types ``anthropic.types.Message``, ``anthropic.types.Usage``,
``anthropic.types.messages.MessageBatch`` and
``anthropic.types.messages.MessageBatchIndividualResponse``.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from .standin import OUTPUT, PREFIX, PROMPT, Outcome, Reply, StandIn

_KNOWN = {
    "model",
    "max_tokens",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
}
_LONGEST = 64_000
_THINKING = {
    "claude-haiku-4-5": ("disabled", ("enabled", "disabled")),
    "claude-sonnet-4-6": ("disabled", ("enabled", "adaptive", "disabled")),
    "claude-opus-5": ("adaptive", ("adaptive", "disabled")),
    "claude-opus-5-5": ("adaptive", ("adaptive",)),
    "claude-sonnet-4-9": ("adaptive", ("adaptive",)),  # made up
}
"""How a model thinks if nothing is said, and what it accepts (page "Migration guide")."""


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
            return Reply(
                {"data": [*map(self._describe, self.batches)], "has_more": False}
            )
        if path.endswith("/results") and self.spoils:
            return Reply(self.spoils.pop(0))
        if path.endswith("/results"):
            rows = [
                self._answer(row["custom_id"], row["params"])
                for row in self.batches[name]
            ]
            return Reply(
                "".join(json.dumps(row) + "\n" for row in reversed(rows))
            )  # in any order
        return Reply(self._describe(name))

    def _describe(self, name: str) -> dict[str, Any]:
        counts = {
            "processing": 0,
            "succeeded": len(self.batches[name]),
            "errored": 0,
            "canceled": 0,
            "expired": 0,
        }
        described = {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended",
            "request_counts": counts,
        }
        dates = {
            "created_at": datetime.now(UTC).isoformat(),
            "expires_at": "2099-11-21T00:00:00Z",
        }
        return {
            **described,
            **dates,
            "results_url": f"{self.url}/v1/messages/batches/{name}/results",
        }

    def _answer(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        self.batched.append(params)
        reply = self.ask(params, self.batch_script)
        good = {"type": "succeeded", "message": reply.body}
        bad = {"type": "errored", "error": reply.body}
        return {"custom_id": name, "result": good if reply.status == 200 else bad}

    def read_user(self, request: dict[str, Any]) -> str:
        content = request["messages"][0]["content"]
        return (
            content
            if isinstance(content, str)
            else "".join(part["text"] for part in content)
        )

    def find_fault(self, request: dict[str, Any]) -> Reply | None:
        unknown = [
            name for name in request if name not in _KNOWN or name in self.refuses
        ]
        default, kinds = _THINKING[request["model"]]
        thinking = request.get("thinking", {"type": default})
        limit = request["max_tokens"]
        active = thinking["type"] != "disabled"
        choice = request.get("tool_choice", {}).get("type")
        faults = {
            f"{' '.join(unknown)}: Extra inputs are not permitted": unknown,
            (
                f"max_tokens: {limit} > {_LONGEST}, which is the maximum allowed number of output "
                "tokens"
            ): limit > _LONGEST,
            "`max_tokens` must be greater than `thinking.budget_tokens`.": limit
            <= thinking.get("budget_tokens", 0),
            f'"thinking.type.{thinking["type"]}" is not supported for this model.': thinking[
                "type"
            ]
            not in kinds,
            "Thinking may not be enabled when tool_choice forces tool use.": active
            and choice in ("any", "tool"),
            'messages: Unexpected role "system".': any(
                message["role"] == "system" for message in request["messages"]
            ),
        }
        return next(
            (_refuse(message) for message, applies in faults.items() if applies), None
        )

    def render(self, outcome: Outcome, request: dict[str, Any]) -> Reply:
        if outcome.kind == "limited":
            return _fail(
                429,
                "rate_limit_error",
                "Too many requests",
                {"retry-after": f"{outcome.seconds:g}"},
            )
        if outcome.kind == "overloaded":
            return _fail(529, "overloaded_error", "Overloaded")
        parts: list[dict[str, Any]] = []
        if outcome.kind == "said":
            parts = [{"type": "text", "text": outcome.text, "citations": None}]
        elif outcome.text:
            found = from_json(
                outcome.text, allow_partial=True
            )  # the API closes what was left open
            parts = [
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": request["tools"][0]["name"],
                    "input": found,
                }
            ]
        reasons = {
            "cut": "max_tokens",
            "thought": "max_tokens",
            "refused": "refusal",
            "filtered": "refusal",
        }
        has_marks = "cache_control" in json.dumps(request)
        read = self.cached if has_marks else 0
        written = PREFIX - read if has_marks else 0
        usage = {
            "input_tokens": PROMPT - read - written,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
            "output_tokens": request["max_tokens"]
            if outcome.kind == "thought"
            else OUTPUT,
        }
        reply = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": parts,
        }
        reason = reasons.get(
            outcome.kind, "end_turn" if outcome.kind == "said" else "tool_use"
        )
        return Reply(
            {**reply, "stop_reason": reason, "stop_sequence": None, "usage": usage}
        )


def _refuse(message: str) -> Reply:
    return _fail(400, "invalid_request_error", message)


def _fail(
    status: int, kind: str, message: str, headers: dict[str, str] | None = None
) -> Reply:
    body = {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": "req_1",
    }
    return Reply(body, status, headers or {})

"""A stand-in for OpenAI's chat completions; ``tests.provider`` has files and batches.

Written from OpenAI's API reference (page "Create chat completion" and the guides "Error codes" and
"Prompt caching"), and from the SDK's types ``ChatCompletion`` (in ``openai.types.chat``) and
``CompletionUsage`` (in ``openai.types``).
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from .standin import OUTPUT, PROMPT, THOUGHT, Outcome, Reply, StandIn

_THINKS = re.compile(r"gpt-5|o\d")
_KNOWN = re.compile(
    "messages|model|max_completion_tokens|max_tokens|temperature|prompt_cache_key|stream"
    "|reasoning_effort|response_format|seed|service_tier|tools|tool_choice"
)
_REASONS = {"cut": "length", "filtered": "content_filter"}


@dataclass
class OpenAI(StandIn):
    """The stand-in."""

    def handle(self, path: str, body: bytes) -> Reply:
        azure = r"/openai/deployments/[^/]+/chat/completions"
        assert re.fullmatch(rf"/v1/chat/completions|{azure}", path), path
        self.requests.append(json.loads(body))
        return self.ask(self.requests[-1])

    def find_fault(self, request: dict[str, Any]) -> Reply | None:
        thinks = _THINKS.match(request["model"])
        form = request.get("response_format", {}).get("json_schema", {"name": "none"})
        if thinks and request.get("temperature", 1) != 1:
            text = (
                "Unsupported value: 'temperature' does not support 0 with this model."
            )
            return _refuse(text, "temperature", "unsupported_value")
        if not re.fullmatch(r"[\w-]{1,64}", form.get("name", "")):
            place = "response_format.json_schema.name"
            return _refuse("Missing required parameter", place, "missing")
        refused = self.refuses | ({"max_tokens"} if thinks else set())
        for name in request:
            if not _KNOWN.fullmatch(name) or name in refused:
                text = f"Unsupported parameter: '{name}' is not supported."
                if name == "max_tokens":
                    text += " Use 'max_completion_tokens' instead."
                return _refuse(text, name, "unsupported_parameter")
        return None

    def render(self, outcome: Outcome, request: dict[str, Any]) -> Reply:
        if outcome.kind == "limited":
            ms, seconds = f"{outcome.seconds * 1000:.0f}", f"{outcome.seconds:.0f}"
            wait = {"retry-after-ms": ms, "retry-after": seconds}
            code = "rate_limit_exceeded"
            return _fail(429, "Rate limit reached", "requests", None, code, wait)
        if outcome.kind == "overloaded":
            return _fail(503, "The server is overloaded", "server_error", None, None)
        message = {"role": "assistant", "content": outcome.text, "refusal": None}
        if outcome.kind == "refused":
            refusal = "I'm sorry, I cannot assist with that request."
            message |= {"content": None, "refusal": refusal}
        if request.get("tools") and outcome.kind in ("answer", "cut"):
            name = request["tools"][0]["function"]["name"]
            function = {"name": name, "arguments": outcome.text}
            call = {"id": "call_1", "type": "function", "function": function}
            message |= {"content": None, "tool_calls": [call]}
        usage = {
            "prompt_tokens": PROMPT,
            "completion_tokens": OUTPUT,
            "total_tokens": PROMPT + OUTPUT,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": THOUGHT},
        }
        reason = _REASONS.get(outcome.kind, "stop")
        choice = {"index": 0, "message": message, "logprobs": None} | {
            "finish_reason": reason
        }
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1}
        body = {"model": request["model"], "choices": [choice], "usage": usage}
        return Reply({**head, **body, "service_tier": "default"})


def _refuse(message: str, param: str, code: str) -> Reply:
    return _fail(400, message, "invalid_request_error", param, code)


def _fail(status, message, kind, param, code, headers=None) -> Reply:
    error = {"message": message, "type": kind, "param": param, "code": code}
    return Reply({"error": error}, status, headers or {})

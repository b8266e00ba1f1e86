"""A stand-in for OpenAI: chat completions, files and batches.

Written from OpenAI's API reference (pages "Create chat completion", "Upload file", "Create batch",
"The batch output object" and the guides "Error codes" and "Prompt caching"), and from the SDK's
types ``ChatCompletion`` (in ``openai.types.chat``), ``CompletionUsage``, ``FileObject`` and
``Batch`` (in ``openai.types``).
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.provider import _FILE, Provider

from .standin import OUTPUT, PROMPT, THOUGHT, Outcome, Reply, StandIn

_THINKS = re.compile(r"gpt-5|o\d")
_KNOWN = {
    "messages",
    "model",
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "prompt_cache_key",
}
_KNOWN |= {
    "stream",
    "reasoning_effort",
    "response_format",
    "seed",
    "service_tier",
    "tools",
    "tool_choice",
}


@dataclass
class OpenAI(StandIn):
    """The stand-in. With ``names_thinking`` off, thinking is in the total of usage alone, as
    with Gemini.
    """

    names_thinking: bool = True
    book: Provider = field(default_factory=Provider)

    def __post_init__(self) -> None:
        self.book.answer = self._answer_line
        self.book.looks = 0

    def handle(self, method: str, path: str, body: bytes) -> Reply:
        path = path.removeprefix("/v1")
        if path.endswith("/chat/completions"):  # of Azure and Groq after a prefix
            self.requests.append(json.loads(body))
            return self.ask(self.requests[-1], self.script)
        if path == "/files":
            found = _FILE.search(body)
            assert found, "an upload has a part named file"
            return Reply(self.book.add_file(found[2]))
        if path.endswith("/content"):
            return Reply(self.book.files[path.split("/")[2]].decode())
        if path == "/batches" and method == "POST":
            return Reply(self.book.add_batch(json.loads(body)))
        if path == "/batches":
            return Reply(
                {
                    "object": "list",
                    "data": list(self.book.batches.values()),
                    "has_more": False,
                }
            )
        return Reply(self.book.look(path.split("/")[2]))

    def _answer_line(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.batched.append(body)
        reply = self.ask(body, self.batch_script)
        return reply.status, reply.body

    def read_user(self, request: dict[str, Any]) -> str:
        return next(
            message["content"]
            for message in request["messages"]
            if message["role"] == "user"
        )

    def find_fault(self, request: dict[str, Any]) -> Reply | None:
        thinks = _THINKS.match(request["model"])
        form = request.get("response_format", {}).get("json_schema", {"name": "none"})
        if thinks and request.get("temperature", 1) != 1:
            text = (
                "Unsupported value: 'temperature' does not support 0 with this model."
            )
            return _refuse(text, "temperature", "unsupported_value")
        if not re.fullmatch(r"[\w-]{1,64}", form.get("name", "")):
            return _refuse(
                "Missing required parameter",
                "response_format.json_schema.name",
                "missing",
            )
        refused = self.refuses | ({"max_tokens"} if thinks else set())
        wrong = next(
            (name for name in request if name not in _KNOWN or name in refused), None
        )
        if wrong:
            return _refuse(
                f"Unsupported parameter: '{wrong}' is not supported.",
                wrong,
                "unsupported_parameter",
            )
        return None

    def render(self, outcome: Outcome, request: dict[str, Any]) -> Reply:
        if outcome.kind == "limited":
            error = {
                "message": "Rate limit reached",
                "type": "requests",
                "param": None,
                "code": "rate_limit_exceeded",
            }
            wait = {
                "retry-after-ms": f"{outcome.seconds * 1000:.0f}",
                "retry-after": f"{outcome.seconds:.0f}",
            }
            return Reply({"error": error}, 429, wait)
        if outcome.kind == "overloaded":
            error = {
                "message": "The server is overloaded",
                "type": "server_error",
                "param": None,
                "code": None,
            }
            return Reply({"error": error}, 503)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": outcome.text,
            "refusal": None,
        }
        if outcome.kind == "refused":
            message |= {
                "content": None,
                "refusal": "I'm sorry, I cannot assist with that request.",
            }
        if request.get("tools") and outcome.kind in ("answer", "cut"):
            function = {
                "name": request["tools"][0]["function"]["name"],
                "arguments": outcome.text,
            }
            message |= {
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": function}
                ],
            }
        limit = (
            request.get("max_completion_tokens") or request.get("max_tokens") or OUTPUT
        )
        reason = {
            "cut": "length",
            "thought": "length",
            "filtered": "content_filter",
        }.get(outcome.kind, "stop")
        output, thought = (
            (limit, limit) if outcome.kind == "thought" else (OUTPUT, THOUGHT)
        )
        usage: dict[str, Any] = {
            "prompt_tokens": PROMPT,
            "completion_tokens": output,
            "total_tokens": PROMPT + output,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": thought,
                "audio_tokens": 0,
            },
        }
        if not self.names_thinking:
            usage |= {
                "completion_tokens": output - thought,
                "completion_tokens_details": None,
            }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": reason,
        }
        reply = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": request["model"],
        }
        return Reply(
            {**reply, "choices": [choice], "usage": usage, "service_tier": "default"}
        )


def _refuse(message: str, param: str, code: str) -> Reply:
    error = {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }
    return Reply({"error": error}, 400)

# fmt: off
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
_KNOWN = re.compile(
    "messages|model|max_completion_tokens|max_tokens|temperature|prompt_cache_key|stream"
    "|reasoning_effort|response_format|seed|service_tier|tools|tool_choice"
)
_REASONS = {"cut": "length", "thought": "length", "filtered": "content_filter"}


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
            batches = list(self.book.batches.values())
            return Reply({"object": "list", "data": batches, "has_more": False})
        return Reply(self.book.look(path.split("/")[2]))

    def _answer_line(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.batched.append(body)
        reply = self.ask(body, self.batch_script)
        return reply.status, reply.body

    def read_user(self, request: dict[str, Any]) -> str:
        users = (one for one in request["messages"] if one["role"] == "user")
        return next(users)["content"]

    def find_fault(self, request: dict[str, Any]) -> Reply | None:
        thinks = _THINKS.match(request["model"])
        form = request.get("response_format", {}).get("json_schema", {"name": "none"})
        if thinks and request.get("temperature", 1) != 1:
            text = "Unsupported value: 'temperature' does not support 0 with this model."
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
        limits = [request.get(f"max_{part}tokens") for part in ("completion_", "")]
        output, thought = OUTPUT, THOUGHT
        if outcome.kind == "thought":
            output = thought = next(filter(None, limits), OUTPUT)
        usage = {
            "prompt_tokens": PROMPT,
            "completion_tokens": output,
            "total_tokens": PROMPT + output,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": thought},
        }
        if not self.names_thinking:
            usage["completion_tokens"] -= thought
            usage["completion_tokens_details"] = None
        reason = _REASONS.get(outcome.kind, "stop")
        choice = {"index": 0, "message": message, "logprobs": None} | {"finish_reason": reason}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1}
        body = {"model": request["model"], "choices": [choice], "usage": usage}
        return Reply({**head, **body, "service_tier": "default"})


def _refuse(message: str, param: str, code: str) -> Reply:
    return _fail(400, message, "invalid_request_error", param, code)


def _fail(status, message, kind, param, code, headers=None) -> Reply:
    error = {"message": message, "type": kind, "param": param, "code": code}
    return Reply({"error": error}, status, headers or {})

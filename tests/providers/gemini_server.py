"""A stand-in for Gemini: ``models.generateContent``.

Written from the Gemini API reference (pages "Generating content", "Thinking", "Structured output",
"Context caching" and "Troubleshooting"; ``google.rpc.RetryInfo`` from the page "Errors" of Google's
API design guide), and from the SDK's types ``google.genai.types.GenerateContentResponse`` and
``GenerateContentResponseUsageMetadata``.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from .standin import OUTPUT, PROMPT, THOUGHT, Outcome, Reply, StandIn

_KNOWN = re.compile(
    "contents|systemInstruction|generationConfig|safetySettings|tools|toolConfig"
)
_CLOSED = re.compile('"(additional_properties|additionalProperties)"')
_REASONS = {"cut": "MAX_TOKENS", "refused": "SAFETY"}
_REASONS |= {"filtered": "PROHIBITED_CONTENT"}
_RPC = "type.googleapis.com/google.rpc"


@dataclass
class Gemini(StandIn):
    """The stand-in. ``requests`` are the bodies with the model's name under ``model``."""

    def handle(self, path: str, body: bytes) -> Reply:
        in_cloud = "(?:/projects/[^/]+/locations/[^/]+)?/publishers/google"
        found = re.fullmatch(
            rf"/v1(?:beta1?)?(?:{in_cloud})?/models/(.*):generateContent", path
        )
        assert found, path
        assert self.headers[-1]["x-goog-api-key"], "the key is a header"
        request = json.loads(body)
        self.requests.append(request | {"model": found[1]})
        return self.ask(request)

    def find_fault(self, request: dict[str, Any]) -> Reply | None:
        unknown = [name for name in request if not _KNOWN.fullmatch(name)]
        for name in unknown + _CLOSED.findall(json.dumps(request)):
            text = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            return _fail(400, "INVALID_ARGUMENT", text)
        for name in self.refuses.intersection(request["generationConfig"]):
            snake = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
            text = f"Invalid value at 'generation_config.{snake}': {snake} is not supported."
            return _fail(400, "INVALID_ARGUMENT", text)
        return None

    def render(self, outcome: Outcome, request: dict[str, Any]) -> Reply:
        if outcome.kind == "limited":
            quota = {
                "@type": f"{_RPC}.QuotaFailure",
                "violations": [{"quotaValue": "10"}],
            }
            wait = {"@type": f"{_RPC}.RetryInfo", "retryDelay": f"{outcome.seconds:g}s"}
            text = "You exceeded your current quota."
            return _fail(429, "RESOURCE_EXHAUSTED", text, [quota, wait])
        if outcome.kind == "overloaded":
            return _fail(
                503, "UNAVAILABLE", "The model is overloaded. Try again later."
            )
        usage = {
            "promptTokenCount": PROMPT,
            "thoughtsTokenCount": THOUGHT,
            "candidatesTokenCount": OUTPUT - THOUGHT,
        }
        usage["totalTokenCount"] = sum(usage.values())
        if self.cached:
            usage["cachedContentTokenCount"] = self.cached
        content: dict[str, Any] = {"role": "model"}
        if outcome.kind in ("answer", "cut"):
            content["parts"] = [_write_part(outcome.text, request.get("tools"))]
        reason = _REASONS.get(outcome.kind, "STOP")
        candidate = {"index": 0, "finishReason": reason, "content": content}
        head = {"modelVersion": "gemini-2.5-flash", "responseId": "r1"}
        return Reply({**head, "candidates": [candidate], "usageMetadata": usage})


def _write_part(text: str, tools: list[dict[str, Any]] | None) -> dict[str, Any]:
    if not tools:
        return {"text": text}
    name = tools[0]["functionDeclarations"][0]["name"]
    return {"functionCall": {"name": name, "args": from_json(text, allow_partial=True)}}


def _fail(code, status, message, details=None) -> Reply:
    error = {"code": code, "message": message, "status": status}
    return Reply({"error": error | ({"details": details} if details else {})}, code)

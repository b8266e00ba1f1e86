"""A stand-in for Gemini: ``models.generateContent``.

Written from the Gemini API reference (pages "Generating content", "Thinking", "Structured output",
"Context caching" and "Troubleshooting"; ``google.rpc.RetryInfo`` from the page "Errors" of Google's
API design guide), and from the SDK's types ``google.genai.types.GenerateContentResponse`` and
``GenerateContentResponseUsageMetadata``.
"""

import json
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from .standin import OUTPUT, PROMPT, THOUGHT, Outcome, Reply, StandIn

_KNOWN = {
    "contents",
    "systemInstruction",
    "generationConfig",
    "safetySettings",
    "tools",
    "toolConfig",
}


@dataclass
class Gemini(StandIn):
    """The stand-in. ``requests`` are the bodies with the model's name under ``model``."""

    def handle(self, method: str, path: str, body: bytes) -> Reply:
        version, _, action = path.strip("/").partition("/models/")
        name, _, verb = action.partition(":")
        assert version in ("v1", "v1beta")
        assert verb == "generateContent"
        assert self.headers[-1]["x-goog-api-key"], "the key is a header"
        request = json.loads(body)
        self.requests.append(request | {"model": name})
        return self.ask(request, self.script)

    def read_user(self, request: dict[str, Any]) -> str:
        return "".join(part["text"] for part in request["contents"][0]["parts"])

    def find_fault(self, request: dict[str, Any]) -> Reply | None:
        config = request["generationConfig"]
        text = json.dumps(request)
        beside = [
            name
            for name in ("additional_properties", "additionalProperties")
            if f'"{name}"' in text
        ]
        if unknown := [*(name for name in request if name not in _KNOWN), *beside]:
            return _refuse(
                f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
            )
        return next(
            (self._refuse_parameter(name) for name in config if name in self.refuses),
            None,
        )

    def _refuse_parameter(self, name: str) -> Reply:
        snake = "".join(
            f"_{letter.lower()}" if letter.isupper() else letter for letter in name
        )
        return _refuse(
            f"Invalid value at 'generation_config.{snake}': {snake} is not supported by this model."
        )

    def render(self, outcome: Outcome, request: dict[str, Any]) -> Reply:
        if outcome.kind == "limited":
            wait = {
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": f"{outcome.seconds:g}s",
            }
            quota = {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaValue": "10"}],
            }
            return _fail(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota.",
                [quota, wait],
            )
        if outcome.kind == "overloaded":
            return _fail(
                503, "UNAVAILABLE", "The model is overloaded. Please try again later."
            )
        limit = request["generationConfig"].get("maxOutputTokens", OUTPUT)
        thought = limit if outcome.kind == "thought" else THOUGHT
        usage: dict[str, Any] = {
            "promptTokenCount": PROMPT,
            "thoughtsTokenCount": thought,
        }
        if outcome.kind != "thought":
            usage["candidatesTokenCount"] = OUTPUT - THOUGHT
        usage["totalTokenCount"] = sum(usage.values())
        if self.cached:
            usage["cachedContentTokenCount"] = self.cached
        reasons = {
            "cut": "MAX_TOKENS",
            "thought": "MAX_TOKENS",
            "refused": "SAFETY",
            "filtered": "PROHIBITED_CONTENT",
        }
        reason = reasons.get(outcome.kind, "STOP")
        candidate: dict[str, Any] = {
            "index": 0,
            "finishReason": reason,
            "content": {"role": "model"},
        }
        if outcome.kind in ("answer", "cut"):
            part: dict[str, Any] = {"text": outcome.text}
            if tools := request.get("tools"):
                name = tools[0]["functionDeclarations"][0]["name"]
                part = {
                    "functionCall": {
                        "name": name,
                        "args": from_json(outcome.text, allow_partial=True),
                    }
                }
            candidate["content"]["parts"] = [part]
        reply = {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": "gemini-2.5-flash",
        }
        return Reply({**reply, "responseId": "r1"})


def _refuse(message: str) -> Reply:
    return _fail(400, "INVALID_ARGUMENT", message)


def _fail(
    code: int, status: str, message: str, details: list[dict[str, Any]] | None = None
) -> Reply:
    error = {"code": code, "message": message, "status": status}
    return Reply({"error": error | ({"details": details} if details else {})}, code)

"""Making what is sent small: schemas without decoration, validation errors without links."""

import re
from typing import Any

__all__ = ["compact_request", "compact_schema"]

_DECORATION = ("title", "default")
_NAMED_SCHEMAS = ("properties", "$defs", "patternProperties")
_LINK = re.compile(r"\n\s*For further information visit https://errors\.pydantic\.dev/\S+")


def compact_schema(schema: Any) -> Any:
    """A JSON schema without the titles and defaults that pydantic adds. Fields of that name stay.

    >>> compact_schema({"title": "Item", "properties": {"title": {"type": "string", "title": "Title"}}})
    {'properties': {'title': {'type': 'string'}}}
    """
    if isinstance(schema, list):
        return [compact_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    compact = {}
    for key, value in schema.items():
        if key in _NAMED_SCHEMAS and isinstance(value, dict):
            compact[key] = {name: compact_schema(part) for name, part in value.items()}
        elif key in ("enum", "const", "required"):
            compact[key] = value
        elif key not in _DECORATION:
            compact[key] = compact_schema(value)
    return compact


def compact_request(request: dict[str, Any]) -> dict[str, Any]:
    """The request with compact schemas, and re-asks without pydantic's links, which differ between its versions."""
    compact = {**request, "messages": [_without_links(message) for message in request["messages"]]}
    if "json_schema" in request.get("response_format", {}):
        asked = request["response_format"]["json_schema"]
        asked = {**asked, "schema": compact_schema(asked["schema"])}
        compact["response_format"] = {**request["response_format"], "json_schema": asked}
    if "tools" in request:
        compact["tools"] = [_compact_tool(tool) for tool in request["tools"]]
    return compact


def _compact_tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    return {**tool, "function": {**function, "parameters": compact_schema(function["parameters"])}}


def _without_links(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    return {**message, "content": _LINK.sub("", content)} if isinstance(content, str) else message

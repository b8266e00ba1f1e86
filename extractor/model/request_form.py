"""The format of a request as its provider expects it: parameters, messages, and schema."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from extractor.model.calls import Call, ReplyModel, schema_of
from extractor.model.pace import Failure
from extractor.model.spec import ClientSettings, ModelSpec

_NEWER_LIMIT = "max_completion_tokens"
"""The parameter that OpenAI's reasoning models accept instead of ``max_tokens``, even if another
server offers them.
"""
_REFUSES_MODE = ("mode", "server_mode")
"""The failures (``statuses.toml``) that say that a server does not support the schema mode."""


@dataclass(frozen=True, slots=True)
class RequestForm:
    """The format of requests to a model, from the table of providers. Parameters and schema modes
    that the provider has rejected (``rejected``) are omitted.
    """

    spec: ModelSpec
    settings: ClientSettings
    rejected: frozenset[str] = frozenset()

    @property
    def mode(self) -> str:
        """How the schema is sent, as an instructor mode: the first mode that the provider has not
        rejected.
        """
        return next(mode for mode in self.spec.family.mode if mode not in self.rejected)

    def messages(self, call: Call) -> list[dict[str, object]]:
        """Return the system part and the user part of a call in OpenAI's format. If the provider
        requires it, a mark in the system part shows where the cached prefix ends (Anthropic's
        ``cache_control``).
        """
        system: object = call.prompt.system
        if self.spec.family.cache == "marks":
            mark = {"type": "ephemeral"}
            system = [
                {"type": "text", "text": call.prompt.system, "cache_control": mark}
            ]
        return [
            {"role": "system", "content": system},
            {"role": "user", "content": call.user},
        ]

    def _list_parameters(self, call: Call) -> dict[str, object]:
        """Return the parameters of a call from the table of providers, except those that the
        provider has rejected. The output limit includes tokens for reasoning.
        """
        family = self.spec.family
        thinking = family.think(self.settings.reasoning)
        limit = _NEWER_LIMIT if family.limit in self.rejected else family.limit
        parameters: dict[str, object] = {limit: call.max_output_tokens + thinking.room}
        if family.temperature:
            parameters["temperature"] = 0
        if family.cache == "key":
            parameters["prompt_cache_key"] = call.prompt.sha256[:32]
        parameters |= thinking.parameters
        for name in self.rejected:
            parameters.pop(name, None)
        return parameters

    def arguments(self, call: Call) -> dict[str, object]:
        """Return the parameters of a call as arguments for the SDK.

        Servers accept options that their SDK does not, such as vLLM's ``chat_template_kwargs``. If
        the SDK supports ``extra_body``, the user's options are passed there, except for parameters
        from the table of providers and options such as ``extra_headers``.
        """
        table_parameters = self._list_parameters(call)
        arguments = table_parameters | dict(self.settings.options)
        # Google's SDK accepts only arguments that it knows
        if self.spec.entry.sdk == "google":
            return arguments
        body: dict[str, object] = {}
        extra = arguments.get("extra_body")
        if isinstance(extra, Mapping):
            body.update(extra)
        for name in self.settings.options:
            is_argument = name in table_parameters or name.startswith("extra_")
            if not is_argument:
                body[name] = arguments.pop(name)
        if body:
            arguments["extra_body"] = body
        return arguments

    def reply_model(self, call: Call) -> type[ReplyModel]:
        """Return the reply model of a call with the schema to send. If instructor uses the title as
        the name of the schema, a title is added; for Google, ``additionalProperties`` is removed,
        because its models reject this key.

        No instructor context is passed, because instructor would then render any templates in a
        record's text.
        """
        model = call.reply_model
        schema = schema_of(model)
        if self.mode == "TOOLS" or self.spec.entry.extra:
            schema = f'{{"title": "{model.__name__}", {schema[1:]}'
        if self.spec.entry.sdk == "google":
            schema = schema.replace('"additionalProperties": false, ', "")
        return _give_schema(model, schema)

    def write(self, call: Call) -> dict[str, object]:
        """Return the body of a batch request, as instructor would send it."""
        import instructor  # noqa: PLC0415 - slow
        from instructor.processing import handle_response_model  # noqa: PLC0415 - slow

        _, body = handle_response_model(
            self.reply_model(call),
            mode=instructor.Mode[self.mode],
            provider=instructor.Provider.OPENAI,
            messages=self.messages(call),
            model=self.spec.name,
            **{**self._list_parameters(call), **self.settings.options},
        )
        return dict(body)

    def without(self, failure: Failure, call: Call) -> "RequestForm | None":
        """Return the form without the parameter or schema mode that the provider rejected, or None
        if changing the form cannot fix the request.

        The output limit is kept, under the name that the server expects, because it limits the
        cost. The user's own options are kept too.
        """
        kind = failure.meaning.kind
        removable = set()
        if failure.status in (400, 422) and kind != "length":
            removable = (
                self._list_parameters(call).keys() - self.settings.options.keys()
            )
        removable.discard(_NEWER_LIMIT)
        # without max_tokens, the next form uses the newer name instead
        if _NEWER_LIMIT not in failure.text:
            removable.discard(self.spec.family.limit)
        rejected = [
            name for name in removable if re.search(rf"\b{name}\b", failure.text)
        ]
        has_other_mode = self.mode != self.spec.family.mode[-1]
        # the provider names no parameter, so the schema mode must be the cause
        if not rejected and kind in _REFUSES_MODE and has_other_mode:
            rejected = [self.mode]
        if rejected:
            return replace(self, rejected=self.rejected.union(rejected))
        return None


@lru_cache(256)  # the number of custom fields is unlimited
def _give_schema(model: type[ReplyModel], schema: str) -> type[ReplyModel]:
    """Return a form of a reply model for which instructor sends this schema."""

    class Reply(model):  # type: ignore[valid-type, misc]
        @classmethod
        def model_json_schema(cls, *_: object, **__: object) -> dict[str, object]:
            """Return a new copy of the schema, because instructor may change it."""
            return dict(json.loads(schema))

    Reply.__name__ = model.__name__
    Reply.__doc__ = model.__doc__
    return Reply

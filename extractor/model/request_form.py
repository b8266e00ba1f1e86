"""The form of a request to a model, as its provider takes it: parameters, messages, and schema."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from extractor.model.calls import Call, schema_of
from extractor.model.completions import Completion, Ending
from extractor.model.failures import Failure
from extractor.model.providers import list_providers
from extractor.model.spec import ClientSettings, ModelSpec

_OTHER_LIMIT = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
_NEEDS_NO_TITLE = frozenset({"openai", "azure_openai", "ollama", "server"})
"""Providers for whose response format instructor names the schema by the model's class."""
_MORE_ROOM = 4
"""If thinking takes the whole output limit, the room for it grows by this factor, once."""


class RequestForm:
    """How requests to a model are written: as the table of providers says, without what the
    provider refused, in the first of its modes that it did not refuse.

    ``mode`` is how the schema is sent, as instructor names it; ``room`` the output tokens that
    thinking may take, ``extra_room`` those of them that no forecast knows.
    """

    def __init__(self, spec: ModelSpec, settings: ClientSettings) -> None:
        self.spec = spec
        self.mode, *self._next_modes = spec.family.mode
        self._thinking, self.room = spec.family.think(settings.reasoning)
        self.extra_room = 0
        self._options = dict(settings.options)
        self._limit = spec.family.limit
        self._refused: set[str] = set()
        self._has_grown = False

    def messages(self, call: Call) -> list[dict[str, Any]]:
        """Return the system part and the user part of a call, in OpenAI's form. The system part has
        a mark where a cached prefix ends, if the provider needs one (Anthropic's
        ``cache_control``).
        """
        system: Any = call.system
        if self.spec.family.cache == "marks":
            mark = {"type": "ephemeral"}
            system = [{"type": "text", "text": call.system, "cache_control": mark}]
        return [
            {"role": "system", "content": system},
            {"role": "user", "content": call.user},
        ]

    def parameters(self, call: Call) -> dict[str, Any]:
        """Return the parameters of a call, without those that the provider refused."""
        parameters = self._list_parameters(call)
        for name in self._refused:
            parameters.pop(name, None)
        return parameters | self._options

    def _list_parameters(self, call: Call) -> dict[str, Any]:
        """Return the parameters of a call as the table of providers has them."""
        parameters: dict[str, Any] = {self._limit: call.max_output_tokens + self.room}
        if self.spec.family.temperature:
            parameters["temperature"] = 0
        if self.spec.family.cache == "key":
            parameters["prompt_cache_key"] = call.prompt.sha256[:32]
        return parameters | self._thinking

    def arguments(self, call: Call) -> dict[str, Any]:
        """Return the parameters of a call as arguments of the SDK.

        Servers take more options than their SDK names, such as vLLM's ``chat_template_kwargs``.
        Where the SDK has a place for them (``extra_body``), the user's options go into the body of
        the request, except parameters of the table and ``extra_headers`` and the like.
        """
        arguments = self.parameters(call)
        if list_providers()[self.spec.provider].options == "arguments":
            return arguments
        named = self._list_parameters(call)
        body = dict(arguments.get("extra_body") or {})
        for name in self._options:
            if name not in named and not name.startswith("extra_"):
                body[name] = arguments.pop(name)
        return arguments | ({"extra_body": body} if body else {})

    def reply_model(self, call: Call) -> type[BaseModel]:
        """Return the reply's model with the schema that is sent: with a title where instructor
        names the schema by it, and not closed for Google, whose models refuse that key.

        It has no fields of its own, because instructor would walk through them five times a call,
        and no context of instructor's, with which it would render templates in a record's text.
        """
        import instructor  # noqa: PLC0415 - slow

        model = call.reply_model
        schema = schema_of(model)
        if self.mode == "TOOLS" or self.spec.provider not in _NEEDS_NO_TITLE:
            schema = f'{{"title": "{model.__name__}", {schema[1:]}'
        if self.spec.provider == "google":
            schema = schema.replace('"additionalProperties": false, ', "")

        class Reply(instructor.OpenAISchema):
            @classmethod
            def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
                """Return the schema, new each time: instructor may change it."""
                return dict(json.loads(schema))

            @classmethod
            def model_validate_json(cls, json_data: Any, **options: Any) -> Any:
                """Validate an answer as the call's reply, with the call's context."""
                options["context"] = dict(call.context)
                return model.model_validate_json(json_data, **options)

        Reply.__name__ = model.__name__
        Reply.__doc__ = model.__doc__
        return Reply

    def write(self, call: Call) -> dict[str, Any]:
        """Return the body of a request in a batch, as instructor would send it now."""
        import instructor  # noqa: PLC0415 - slow
        from instructor.processing import handle_response_model  # noqa: PLC0415 - slow

        _, body = handle_response_model(
            self.reply_model(call),
            mode=instructor.Mode[self.mode],
            provider=instructor.Provider(self.spec.family.batch),
            messages=self.messages(call),
            model=self.spec.name,
            **self.parameters(call),
        )
        return dict(body)

    def learn(self, failure: Failure, sent: Mapping[str, Any], mode: str) -> bool:
        """Leave out what the provider refused of a request. Return whether it may be sent again in
        the new form.

        A refused parameter of the table is left out; the output limit is sent under its other name.
        A refused way to send the schema gives way to the table's next one. What the user asked for
        (options) always stays.

        Args:
            failure: The refusal.
            sent: The parameters of the request.
            mode: How its schema was sent.
        """
        kind = failure.meaning.kind
        if failure.status in (400, 422) and kind != "length":
            for name in sent:
                is_named = re.search(rf"\b{name}\b", failure.text)
                if is_named and name not in self._options:
                    return self._leave_out(name, str(sent[name]) in failure.text)
        if kind != "mode":
            return False
        # unless another call has changed it meanwhile
        if self.mode == mode:
            if not self._next_modes:
                return False
            self.mode = self._next_modes.pop(0)
        return True

    def _leave_out(self, name: str, is_value_named: bool) -> bool:  # noqa: FBT001 - one caller
        """Leave a parameter out, or send the output limit under its other name. Return False for a
        limit that was too high ("max_tokens is too large: 9000"), or refused under both names.
        """
        if name == self._limit:
            other = _OTHER_LIMIT.get(name)
            if is_value_named or other is None or other in self._refused:
                return False
            self._limit = other
        self._refused.add(name)
        return True

    def gives_more_room(self, limit: int, answer: Completion | None, room: int) -> bool:
        """Return whether thinking took the whole output limit of a request, and there is more room
        for thinking now. The room grows once; a limit that the user set never does.

        Args:
            limit: The output tokens of the answer itself.
            answer: What came back.
            room: The tokens for thinking with which the request was written.
        """
        limit += room
        if (
            answer is None
            or answer.ending is not Ending.CUT
            or self._limit in self._options
        ):
            return False
        # Usage does not always name thinking, but fewer characters than tokens show it: JSON with
        # many numbers has two characters per token. If few tokens were written, the context was
        # full.
        is_context_full = 0 < answer.usage.output_tokens < limit / 2
        if len(answer.text) > limit or is_context_full:
            return False
        # unless another call has made more room meanwhile
        if room == self.room:
            if self._has_grown:
                return False
            self._has_grown = True
            self.extra_room = _MORE_ROOM * limit - room
            self.room += self.extra_room
        return True

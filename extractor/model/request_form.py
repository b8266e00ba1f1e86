"""The form of a request to a model: parameters, messages and the way to send the schema, as its
provider takes them.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from extractor.model.calls import Call, schema_of
from extractor.model.completions import Completion, Ending
from extractor.model.failures import Failure
from extractor.model.spec import ClientSettings, ModelSpec

_OTHER_LIMIT = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_NEEDS_NO_TITLE = frozenset({"openai", "azure_openai", "ollama", "server"})
"""Providers for whose response format instructor names the schema by the model's class."""
_MORE_ROOM = 4
"""If thinking takes the whole output limit, the room for it grows by this factor, once."""


class RequestForm:
    """How requests to a model are written: first as the table of providers says, then as its
    failures teach.

    ``beside`` are the options that its SDK does not know.
    """

    def __init__(self, spec: ModelSpec, settings: ClientSettings) -> None:
        self.spec, self._family, self._options = spec, spec.family, dict(settings.options)
        self._modes = list(self._family.mode)
        self._thinking, self._room = self._family.think(settings.reasoning)
        self._limit = self._family.limit
        self._refused: set[str] = set()
        self.beside: set[str] = set()
        self._has_grown = False

    @property
    def mode(self) -> str:
        """How the schema is sent, as instructor names it."""
        return self._modes[0]

    def messages(self, call: Call) -> list[dict[str, Any]]:
        """Return the messages of a call, with a mark where a cached prefix ends, if the provider
        needs one.
        """
        system: Any = call.system
        if self._family.cache == "marks":
            system = [{"type": "text", "text": call.system, "cache_control": {"type": "ephemeral"}}]
        return [{"role": "system", "content": system}, {"role": "user", "content": call.user}]

    def parameters(self, call: Call) -> dict[str, Any]:
        """Return the parameters of a call, without those that the provider refused."""
        parameters: dict[str, Any] = {self._limit: call.max_output_tokens + self._room}
        if self._family.temperature:
            parameters["temperature"] = 0
        if self._family.cache == "key":
            parameters["prompt_cache_key"] = call.prompt.sha256[:32]
        parameters |= self._thinking
        return {
            name: value for name, value in parameters.items() if name not in self._refused
        } | self._options

    def arguments(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters as arguments of the SDK, with options that it does not know
        beside the others.
        """
        beside = {name: value for name, value in parameters.items() if name in self.beside}
        known = {name: value for name, value in parameters.items() if name not in self.beside}
        if not beside:
            return known
        return known | {"extra_body": {**(known.get("extra_body") or {}), **beside}}

    def reply_model(self, call: Call) -> type[BaseModel]:
        """Return the reply's model with the schema that is sent."""
        titled = self.mode == "TOOLS" or self.spec.provider not in _NEEDS_NO_TITLE
        return _answer_to(call, titled=titled, closed=self.spec.provider != "google")

    def write(self, call: Call) -> dict[str, Any]:
        """Return the body of a request in a batch, as instructor would send it now."""
        import instructor  # noqa: PLC0415 - slow
        from instructor.processing import handle_response_model  # noqa: PLC0415 - slow

        provider = instructor.Provider(self._family.batch)
        given = {"messages": self.messages(call), "model": self.spec.name, **self.parameters(call)}
        _, body = handle_response_model(
            self.reply_model(call), mode=instructor.Mode[self.mode], provider=provider, **given
        )
        return dict(body)

    def learn(self, failure: Failure, sent: Mapping[str, Any], mode: str) -> bool:
        """Change what the provider refused of a request with these parameters and mode. Return
        whether to resend.
        """
        refused = failure.refuses([name for name in sent if name not in self._options])
        if refused and not failure.is_about_length:
            if refused == self._limit:
                other = _OTHER_LIMIT.get(refused)
                is_too_high = str(sent[refused]) in failure.text
                if other is None or other in self._refused or is_too_high:
                    return False
                self._limit = other
            self._refused.add(refused)
            return True
        if not failure.is_about_mode:
            return False
        if self.mode != mode:  # another call has changed it meanwhile
            return True
        if len(self._modes) > 1:
            self._modes.pop(0)
            return True
        return False

    def put_beside(self, unknown: str | None) -> bool:
        """Send an option that the SDK does not know all the same. Return whether to resend the
        request.
        """
        new = unknown in self._options.keys() - self.beside - {None}
        self.beside |= {str(unknown)} if new else set()
        return new

    @property
    def room(self) -> int:
        """The output tokens that thinking may take in a request that is written now."""
        return self._room

    def gives_more_room(self, wanted: int, answer: Completion | None, room: int) -> bool:
        """Return whether thinking took the output limit of a request for ``wanted`` tokens, written
        with this room.

        From then on there is more room for it. Usage does not always name thinking, but fewer
        characters than tokens show it: JSON with many numbers has two characters per token. If few
        tokens were written, the context was full.
        """
        limit = wanted + room
        if answer is None or answer.ending is not Ending.CUT or self._limit in self._options:
            return False
        if len(answer.text) > limit or 0 < answer.usage.output_tokens < limit / 2:
            return False
        if room >= self._room:
            if self._has_grown:
                return False
            self._has_grown = True
            self._room = _MORE_ROOM * limit
        return True


def _answer_to(call: Call, *, titled: bool, closed: bool) -> type[BaseModel]:
    """Make the reply model that instructor sees: its schema, and a check of the answer in the
    call's context.

    It has no fields of its own, because instructor would walk through them five times a call, and
    no context of instructor's, with which it would render templates in a record's text.
    """
    import instructor  # noqa: PLC0415 - slow

    class Reply(instructor.OpenAISchema):
        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            # instructor may change it
            return dict(json.loads(_write_schema(call.reply_model, titled, closed)))

        @classmethod
        def model_validate_json(cls, json_data: Any, **options: Any) -> Any:
            return call.reply_model.model_validate_json(
                json_data, **options | {"context": dict(call.context)}
            )

    Reply.__name__ = call.reply_model.__name__
    Reply.__doc__ = call.reply_model.__doc__
    return Reply


@cache
def _write_schema(model: type[BaseModel], titled: bool, closed: bool) -> str:  # noqa: FBT001 - a cache
    """Return the schema to send. instructor names some by their ``title``; Gemini refuses
    ``additionalProperties``.
    """
    schema = (
        f'{{"title": "{model.__name__}", {schema_of(model)[1:]}' if titled else schema_of(model)
    )
    return schema if closed else schema.replace('"additionalProperties": false, ', "")

"""The form of a request to a model, as its provider takes it: parameters, messages, and schema."""

import json
from collections.abc import Mapping
from functools import cache
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
    """How requests to a model are written: as the table of providers says, without what is refused.

    A provider may refuse a parameter of the table, which is then left out, or the way to send the
    schema, of which the table names the next.
    """

    def __init__(self, spec: ModelSpec, settings: ClientSettings) -> None:
        self.spec = spec
        self._family = spec.family
        self._options = dict(settings.options)
        self._modes = list(spec.family.mode)
        self._thinking, self._room = spec.family.think(settings.reasoning)
        self._limit = spec.family.limit
        self._refused: set[str] = set()
        self._has_grown = False

    @property
    def mode(self) -> str:
        """How the schema is sent, as instructor names it."""
        return self._modes[0]

    @property
    def room(self) -> int:
        """The output tokens that thinking may take in a request that is written now."""
        return self._room

    def messages(self, call: Call) -> list[dict[str, Any]]:
        """Return the messages of a call: the system part and the user part, in OpenAI's form.

        The system part has a mark where a cached prefix ends, if the provider needs one
        (Anthropic's ``cache_control``).
        """
        system: Any = call.system
        if self._family.cache == "marks":
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
        """Return the parameters of a call as the table of providers has them: the output limit
        with the room for thinking, the temperature, the key of a cache, and those of thinking.
        """
        parameters: dict[str, Any] = {self._limit: call.max_output_tokens + self._room}
        if self._family.temperature:
            parameters["temperature"] = 0
        if self._family.cache == "key":
            parameters["prompt_cache_key"] = call.prompt.sha256[:32]
        return parameters | self._thinking

    def arguments(self, call: Call) -> dict[str, Any]:
        """Return the parameters of a call as arguments of the SDK.

        Servers take more options than their SDK names, such as vLLM's ``chat_template_kwargs``.
        Where the SDK has a place for them (``extra_body``), the user's options go into the body of
        the request, except parameters of the table and ``extra_headers`` and the like, which the
        SDK names itself.
        """
        arguments = self.parameters(call)
        if list_providers()[self.spec.provider].options == "arguments":
            return arguments
        listed = self._list_parameters(call)
        body = dict(arguments.get("extra_body") or {})
        for name in self._options:
            if name not in listed and not name.startswith("extra_"):
                body[name] = arguments.pop(name)
        if body:
            arguments["extra_body"] = body
        return arguments

    def reply_model(self, call: Call) -> type[BaseModel]:
        """Return the reply's model with the schema that is sent: with a title where instructor
        names the schema by it, and not closed for Google, whose models refuse that key.
        """
        titled = self.mode == "TOOLS" or self.spec.provider not in _NEEDS_NO_TITLE
        return _answer_to(call, titled=titled, closed=self.spec.provider != "google")

    def write(self, call: Call) -> dict[str, Any]:
        """Return the body of a request in a batch, as instructor would send it now: without what
        the provider has refused before.
        """
        import instructor  # noqa: PLC0415 - slow
        from instructor.processing import handle_response_model  # noqa: PLC0415 - slow

        request = {
            "messages": self.messages(call),
            "model": self.spec.name,
            **self.parameters(call),
        }
        _, body = handle_response_model(
            self.reply_model(call),
            mode=instructor.Mode[self.mode],
            provider=instructor.Provider(self._family.batch),
            **request,
        )
        return dict(body)

    def learn(self, failure: Failure, sent: Mapping[str, Any], mode: str) -> bool:
        """Leave out what the provider refused of a request. Return whether it may be sent again in
        the new form.

        A refused parameter of the table is left out. A refused output limit is sent under its other
        name, unless the provider repeats the number: then it is too high. A refused way to send the
        schema gives way to the table's next one. What the user asked for (options) always stays.

        Args:
            failure: The refusal.
            sent: The parameters of the request.
            mode: How its schema was sent.
        """
        droppable = [name for name in sent if name not in self._options]
        refused = failure.find_refused(droppable)
        if refused and refused == self._limit:
            # "max_tokens is too large: 9000" instead of "use max_completion_tokens"
            is_too_high = str(sent[refused]) in failure.text
            return not is_too_high and self._rename_limit()
        if refused:
            self._refused.add(refused)
            return True
        if not failure.is_about_mode:
            return False
        # another call has changed it meanwhile
        if self.mode != mode:
            return True
        if len(self._modes) == 1:
            return False
        self._modes.pop(0)
        return True

    def _rename_limit(self) -> bool:
        """Send the output limit under its other name. Return whether that was not refused
        before.
        """
        other = _OTHER_LIMIT.get(self._limit)
        if other is None or other in self._refused:
            return False
        self._refused.add(self._limit)
        self._limit = other
        return True

    def gives_more_room(self, wanted: int, answer: Completion, room: int) -> bool:
        """Return whether thinking took the whole output limit of a request, and there is more room
        for thinking now. The room grows once; a limit that the user set never does.

        Args:
            wanted: The output tokens of the answer itself.
            answer: What came back.
            room: The tokens for thinking with which the request was written.
        """
        limit = wanted + room
        if answer.ending is not Ending.CUT or self._limit in self._options:
            return False
        # Usage does not always name thinking, but fewer characters than tokens show it: JSON with
        # many numbers has two characters per token.
        if len(answer.text) > limit:
            return False
        # If few tokens were written, the context was full.
        if 0 < answer.usage.output_tokens < limit / 2:
            return False
        # another call has made more room meanwhile
        if room < self._room:
            return True
        if self._has_grown:
            return False
        self._has_grown = True
        self._room = _MORE_ROOM * limit
        return True


def _answer_to(call: Call, *, titled: bool, closed: bool) -> type[BaseModel]:
    """Make the reply model that instructor sees: its schema, and a check of the answer.

    It has no fields of its own, because instructor would walk through them five times a call, and
    no context of instructor's, with which it would render templates in a record's text. ``titled``
    and ``closed`` say how the schema is written (see ``_write_schema``).
    """
    import instructor  # noqa: PLC0415 - slow

    class Reply(instructor.OpenAISchema):
        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            """Return the schema of the call's reply, new each time: instructor may change it."""
            schema = _write_schema(call.reply_model, titled, closed)
            return dict(json.loads(schema))

        @classmethod
        def model_validate_json(cls, json_data: Any, **options: Any) -> Any:
            """Validate an answer as the call's reply, with the call's context."""
            options["context"] = dict(call.context)
            return call.reply_model.model_validate_json(json_data, **options)

    Reply.__name__ = call.reply_model.__name__
    Reply.__doc__ = call.reply_model.__doc__
    return Reply


@cache
def _write_schema(model: type[BaseModel], titled: bool, closed: bool) -> str:  # noqa: FBT001 - a cache
    """Return the schema to send: with the model's name as ``title``, by which instructor names the
    tool, and without ``additionalProperties`` if it is not ``closed`` (Gemini refuses the key).
    """
    schema = schema_of(model)
    if titled:
        schema = f'{{"title": "{model.__name__}", {schema[1:]}'
    if not closed:
        schema = schema.replace('"additionalProperties": false, ', "")
    return schema

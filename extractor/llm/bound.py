"""Reply models that are validated with their call's context, made once for all calls of the same shape."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from functools import lru_cache
from typing import Any, Self

from instructor import OpenAISchema
from pydantic import BaseModel, create_model

from .call import Call

__all__ = ["bound_to"]

_context: ContextVar[Mapping[str, object]] = ContextVar("context of validation")


@contextmanager
def bound_to(call: Call) -> Iterator[type[Any]]:
    """The call's reply model, which validates JSON with the call's context inside the block; its name and docstring,
    which are sent, stay.
    """
    token = _context.set(call.context)
    try:
        yield _bind(call.reply_model)
    finally:
        _context.reset(token)


class _Bound(OpenAISchema):
    """Validates JSON with the context at hand.

    instructor could hand the context on, but then renders every message as a Jinja template too: a record's ``{{``
    would vanish or fail, and its indentation be lost.
    """

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        return super().model_validate_json(json_data, **(options | {"context": dict(_context.get())}))

    @classmethod
    def model_json_schema(cls, *arguments: Any, **options: Any) -> dict[str, Any]:
        """As pydantic makes it, which takes longer than all else in a call."""
        if arguments or options:
            return super().model_json_schema(*arguments, **options)
        return deepcopy(_make_schema(cls))


@lru_cache(maxsize=256)
def _bind(model: type[BaseModel]) -> type[Any]:
    return create_model(model.__name__, __base__=(_Bound, model), __doc__=model.__doc__)


@lru_cache(maxsize=256)
def _make_schema(bound: type[_Bound]) -> dict[str, Any]:
    return super(_Bound, bound).model_json_schema()

"""What instructor adds to the messages of a call, kept for the next call with the same reply model.

instructor works as long on each call as all other layers together, and always comes to the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["Messages", "draft_request", "keep_draft"]

Messages = Sequence[Mapping[str, Any]]

_drafts: WeakKeyDictionary[type[Any], Mapping[str, Any]] = WeakKeyDictionary()


def keep_draft(reply_model: type[Any], request: Mapping[str, Any], messages: Messages) -> None:
    """Keep what was made of ``messages``, if only things beside them were added: those do not depend on them.

    >>> class Reply: ...
    >>> keep_draft(Reply, {"messages": [{"role": "user", "content": "Hi"}], "tools": []}, [])
    >>> draft_request(Reply, []) is None
    True
    """
    if list(request["messages"]) == list(messages):
        _drafts[reply_model] = {name: value for name, value in request.items() if name != "messages"}


def draft_request(reply_model: type[Any], messages: Messages) -> dict[str, Any] | None:
    """The request that carries ``messages``; None if nothing was kept for that reply model.

    >>> class Reply: ...
    >>> keep_draft(Reply, {"messages": [], "response_format": {"type": "json_object"}}, [])
    >>> draft_request(Reply, [{"role": "user", "content": "Hi"}])
    {'response_format': {'type': 'json_object'}, 'messages': [{'role': 'user', 'content': 'Hi'}]}
    """
    draft = _drafts.get(reply_model)
    return None if draft is None else {**draft, "messages": list(messages)}

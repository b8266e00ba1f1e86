"""The fields of a record that was parsed from JSON, by path.

A wrong type in a field that is read is an error with the field's path, so that nothing is lost
silently. null means absent, and a field that is not read may have any type.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from extractor.formats.found import UnreadableSource, Words
from extractor.formats.registers import name_language


class JsonFields(NamedTuple):
    """A value and its place in the record.

    >>> arms = JsonFields({"arms": [{"label": "A"}, None]}, "")
    >>> arms.read("arms[].label"), arms.list_items("arms[]")[1]
    (['A'], JsonFields(value=None, place='.arms[1]'))
    """

    value: Any
    place: str

    def list_items(self, path: str, group: str = "") -> Sequence["JsonFields"]:
        items = [
            JsonFields(*found)
            for found in _walk(self.value, _split_path(path), self.place)
        ]
        if not group:
            return items
        groups: dict[str, list[Any]] = {}
        for item in items:
            if item.value is not None:
                found = _walk(item.value, _split_path(group), item.place)
                key = str(found[0][0] if found else None)
                groups.setdefault(key, []).append(item.value)
        # Numbers are texts here: "9" is before "10".
        ordered = sorted(groups.items(), key=lambda pair: (len(pair[0]), pair[0]))
        return [
            JsonFields({"translations": entries}, f".{path}") for _, entries in ordered
        ]

    def read(self, path: str, types: tuple[type, ...] = ()) -> list[str]:
        for choice in _split_choices(path):
            if isinstance(choice, str):
                texts = list(self._read_translations(choice))
            else:
                texts = self._read_steps(choice, types)
            if texts:
                return texts
        return []

    def _read_steps(
        self, steps: Sequence["_Step"], types: tuple[type, ...]
    ) -> list[str]:
        texts: list[str] = []
        for value, place in _walk(self.value, steps, self.place):
            if isinstance(value, str):
                texts.append(value)
            # To Python, true is a whole number, too.
            elif type(value) in types:
                texts.append(str(value).lower())
            elif value is not None:
                raise _refuse(value, "text", place)
        return texts

    def _read_translations(self, path: str) -> Iterator[str]:
        """Yield the English text of each list of translations, else the first other one."""
        above, _, rest = path.partition("=en].")
        above, _, language = above.rpartition("[")
        for listed in self.list_items(above):
            others: list[Words] = []
            for entry in JsonFields({"": listed.value}, listed.place).list_items("[]"):
                text = "".join(entry.read(rest)).replace("\r\n", "\n").strip()
                code = "".join(entry.read(language)) or "en"
                if text and code == "en":
                    yield text
                    break
                if text:
                    others.append(Words(text, language=name_language(code)))
            else:
                yield from others[:1]


class _Step(NamedTuple):
    """A name of a path, whether it is that of a list, and the path up to it from the list above."""

    name: str
    is_list: bool
    trail: str


@cache
def _split_path(path: str) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    trail = ""
    for written in path.split("."):
        name = written.removesuffix("[]")
        trail += f".{name}" if name else ""
        steps.append(_Step(name, name != written, trail))
        if name != written:
            trail = ""
    return tuple(steps)


@cache
def _split_choices(path: str) -> tuple[str | tuple[_Step, ...], ...]:
    """Return the paths of which the first with a text counts, in steps; one through translations as
    it is written.
    """
    return tuple(
        choice if "=en]" in choice else _split_path(choice)
        for choice in path.split("|")
    )


def _walk(value: Any, steps: Sequence[_Step], place: str) -> list[tuple[Any, str]]:
    """Return the values at a path, each with its place. In a list, null has its index, too."""
    trail = ""
    for number, (name, is_list, next_trail) in enumerate(steps, 1):
        if value is None:
            return []
        if not isinstance(value, dict):
            raise _refuse(value, "an object", place + trail)
        value = value.get(name)
        trail = next_trail
        if is_list:
            if not isinstance(value, list | None):
                raise _refuse(value, "a list", place + trail)
            found: list[tuple[Any, str]] = []
            for index, item in enumerate(value or ()):
                found += _walk(item, steps[number:], f"{place}{trail}[{index}]")
            return found
    return [(value, place + trail)]


_KINDS = {str: "text", bool: "true or false", list: "a list", dict: "an object"}


def _refuse(value: Any, expected: str, place: str) -> UnreadableSource:
    found = _KINDS.get(type(value), "a number")
    remedy = "correct it or download the record again"
    return UnreadableSource(
        f"{found} where {expected} is expected", remedy, place=place.lstrip(".") or None
    )

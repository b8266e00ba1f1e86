"""The shared parts of all HTML pages: the layout, the data of a record, and a viewer for the data.

A page is a single file with its style, script and data. It does not load anything from other
hosts, its content security policy does not allow any other script, and all text is escaped. The
report, comparisons and the service's playground show a record in the same viewer: its text with
the evidence marked, next to its values. The score page and the review page reuse the text and
marks.

- ``__init__.py``: templates, styles, scripts, policy, and data as safe or compressed JSON.
- ``texts.py``: a record's text for display; ``words.py``: a value in words.
- ``view.py``: a record's data, with the positions of its evidence in the text. To show more about a
  value, extend ``view.py`` and ``assets/cards.js``.
- ``notebook.py``: the display in notebooks, without scripts.
- ``assets/``: ``base.css`` and ``base.html``, for all pages; ``browse.html`` and ``browse.js``,
  for an overview, a filtered list and the viewer; ``viewer.js`` and ``text.js``, for the viewer;
  and ``cards.js``, for the values next to the text. To add a page with a list and the viewer,
  extend ``browse.html``; to add any other page, extend ``base.html``. Pages are rendered by
  ``render_page``.

To add a section next to the text: extend ``showValues`` in ``cards.js``, and add the section's
data in ``report/record.py``.
"""

import base64
import gzip
import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from extractor.face import counted
from extractor.schemas import list_groups

_SHARED = "extractor.apps.pages"
_PLURALS = {"criterion": "criteria"}
_CHUNK = 200_000
"""The number of JSON characters after which a chunk ends. Chunks of this size compress well and
are quick to open.
"""


def render_page(
    package: str,
    values: Mapping[str, object],
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str],
    asks: bool = False,
    template: str = "page.html",
) -> str:
    """Render a template from the ``assets`` of a package. The template extends this package's
    ``base.html``.

    ``styles`` and ``scripts`` are files in either ``assets`` folder, and are added after the files
    that all pages share. Values are escaped. If ``asks`` is set, the page can send requests to the
    server from which it was loaded. In addition to jinja2's filters, there are ``share`` (0.123, or
    a dash for None), ``percent`` (of an axis from 0 to 1), ``plural`` (a number with its noun) and
    ``label`` (a field's label).
    """
    style = read_assets(_SHARED, "base.css") + read_assets(package, *styles)
    script = read_shared_script() + read_assets(package, *scripts)
    assets = {
        "style": style,
        "script": script,
        "policy": state_policy(style, script, asks=asks),
    }
    return render_template(template, {**values, **assets}, package)


def render_template(
    template: str, values: Mapping[str, object], package: str = _SHARED
) -> str:
    """Render a template from the ``assets`` of a package or, if they do not contain it, of this
    package, with the filters of ``render_page``.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - slow

    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader(package, "assets"), PackageLoader(_SHARED, "assets")]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "share": lambda value: "–" if value is None else f"{value:.3f}",
        "percent": lambda value: f"{100 * value:.2f}%",
        "plural": lambda number, noun: counted(number, noun, _PLURALS.get(noun, "")),
        "label": name_label,
    }
    return environment.get_template(template).render(values)


_LABELS = {
    info.name: info.label
    for group in list_groups()
    for info in group.fields
    if info.label != info.name.replace("_", " ")
}
_LABELS |= {
    "value_high": "upper value",
    "low": "lowest",
    "high": "highest",
    "half_life": "half-life",
}
"""Labels for fields and parts of values whose schema names are not clear to readers."""


def name_label(name: str) -> str:
    """Return the label of a field, or of a term in the schema.

    >>> name_label("value_high"), name_label("time_window")
    ('upper value', 'time window')
    """
    return _LABELS.get(name, name.replace("_", " "))


@cache
def read_assets(package: str, *names: str) -> str:
    """Read and join files from the ``assets`` folder of a package or, if it does not contain them,
    of this package.

    >>> read_assets("extractor.apps.pages", "base.css").startswith(":root")
    True
    """
    texts = []
    for name in names:
        path = files(package) / "assets" / name
        if not path.is_file():
            path = files(_SHARED) / "assets" / name
        texts.append(path.read_text("utf-8"))
    return "".join(texts)


def read_shared_script() -> str:
    """Return the shared script with the fields' labels, so that ``toWords`` matches ``name_label``.

    >>> read_shared_script().startswith('"use strict";')
    True
    """
    script = read_assets(
        _SHARED,
        "dom.js",
        "text.js",
        "items.js",
        "filters.js",
        "list.js",
        "difference.js",
    )
    return f"{script}\nconst LABELS = new Map({json.dumps(list(_LABELS.items()))});\n"


_WIDE = re.compile("[\U00010000-\U0010ffff]")


def escape_json(data: object) -> str:
    r"""Encode data as JSON that is safe inside a ``script`` element, because it cannot end the
    element or open a comment.

    >>> escape_json({"title": "</script>"})
    '{"title":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def pack(data: object) -> str:
    """Encode data as compressed JSON in characters that HTML does not escape. The same data always
    has the same encoding.

    >>> gzip.decompress(base64.b64decode(pack({"a": "</script>"})))
    b'{"a":"</script>"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # without a timestamp, so that the same data always produces the same bytes
    packed = gzip.compress(text.encode("utf-8", "replace"), 6, mtime=0)
    return base64.b64encode(packed).decode()


class Chunks:
    """Packs records one at a time, and keeps at most one chunk of records uncompressed.

    >>> chunks = Chunks()
    >>> [chunks.add("x" * 150_000) for _ in range(3)], len(chunks.close())
    ([(0, 0), (0, 1), (1, 0)], 2)
    """

    def __init__(self) -> None:
        self._packed: list[str] = []
        self._records: list[object] = []
        self._characters = 0

    def add(self, record: object) -> tuple[int, int]:
        """Add a record, and return (index of its chunk, index in the chunk). A chunk is packed as
        soon as it is long enough.
        """
        chunk = len(self._packed)
        place = len(self._records)
        self._records.append(record)
        self._characters += len(json.dumps(record))
        if self._characters >= _CHUNK:
            self.close()
        return chunk, place

    def close(self) -> list[str]:
        """Pack the remaining records and return all chunks."""
        if self._records:
            self._packed.append(pack(self._records))
            self._records = []
            self._characters = 0
        return self._packed


def to_utf16(text: str) -> Callable[[int], int]:
    """Return a function that converts offsets in the text to JavaScript offsets (UTF-16 code
    units).

    >>> to_utf16("day \N{GRINNING FACE} 28")(6), to_utf16("day 28")(6)
    (7, 6)
    """
    # characters that take two units in UTF-16
    wide = [match.start() for match in _WIDE.finditer(text)]
    if not wide:
        return int
    return lambda offset: offset + bisect_left(wide, offset)


def state_policy(style: str, script: str, *, asks: bool = False) -> str:
    """Return a content security policy that allows only this style and this script. Requests are
    not allowed unless ``asks`` is set, which allows requests to the page's own server.

    >>> state_policy("", "").split("; ")[0]
    "default-src 'none'"
    """
    policy = (
        f"default-src 'none'; style-src 'sha256-{_hash(style)}'; "
        f"script-src 'sha256-{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    if asks:
        return f"{policy}; connect-src 'self'"
    return policy


def _hash(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

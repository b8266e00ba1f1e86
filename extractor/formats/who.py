"""Trials in the WHO's data set, the XML in which registers deliver their trials to the ICTRP.

The elements of a trial are groups of fields (``main``, ``criteria``, ``primary_outcome``). Their
values are those of the ICTRP's export, which has other names for them.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element

from extractor.formats.found import RecordContent, text_section
from extractor.formats.ictrp import build_ictrp

_NAMES: Mapping[str, str] = {
    "trial_id": "trialid",
    "hc_freetext": "condition",
    "i_freetext": "intervention",
    "prim_outcome": "primary outcome",
    "sec_outcome": "secondary outcome",
}
"""The names of fields that the export names otherwise."""
_LISTS = ("prim_outcome", "sec_outcome")
"""Fields of which a trial has several, one for each item."""
_KEYWORDS = ("hc_keyword", "i_keyword")
_GROUPS = ("main", "criteria")


def is_who(trial: Element) -> bool:
    """Return whether a trial is written as the WHO's data set: its fields stand in groups."""
    return any(child.tag.lower() in _GROUPS and len(child) for child in trial)


def build_who(trial: Element) -> RecordContent:
    """Build the content of a trial. Registers differ in the case of names.

    >>> from defusedxml.ElementTree import fromstring
    >>> main = "<main><trial_id>PER-001-31</trial_id><public_title>Fictumab</public_title></main>"
    >>> outcomes = "<prim_outcome>Pain</prim_outcome><prim_outcome>Sleep</prim_outcome>"
    >>> content = build_who(
    ...     fromstring(
    ...         f"<trial>{main}<primary_outcome>{outcomes}</primary_outcome></trial>"
    ...     )
    ... )
    >>> content.trial_id, [section.text for section in content.sections]
    ('PER-001-31', ['Fictumab', 'Pain', 'Sleep'])
    """
    texts: dict[str, list[str]] = defaultdict(list)
    for field in _list_fields(trial):
        text = "".join(field.itertext()).strip()
        if text:
            texts[field.tag.lower()].append(text)
    fields: dict[str, str] = {}
    for name, stated in texts.items():
        separator = ";" if name in _LISTS else "\n"
        fields[_NAMES.get(name, name)] = separator.join(stated)
    content = build_ictrp(fields, "who_xml")
    words = dict.fromkeys(word for name in _KEYWORDS for word in texts[name])
    keywords = text_section("keywords", "\n".join(words))
    return replace(content, sections=(*content.sections, *keywords))


def _list_fields(trial: Element) -> list[Element]:
    """Return the elements that hold text: those of a group, or of a list within one."""
    fields: list[Element] = []
    for child in trial:
        is_group = len(child) > 0 and not (child.text or "").strip()
        if is_group:
            fields += child
        else:
            fields.append(child)
    return fields

"""The keys of a case in ``tests/cases/*.toml``, and the sections that a text may belong to."""

from collections.abc import Mapping
from typing import Any

PLACES: Mapping[str, Mapping[str, Any]] = {
    "inclusion": {"eligibility": "Inclusion Criteria:\n\n* {}"},
    "exclusion": {"eligibility": "Exclusion Criteria:\n\n* {}"},
    "intervention": {
        "interventions": [{"type": "DRUG", "name": "Examplumab", "description": "{}"}]
    },
    "dose": {
        "interventions": [
            {"type": "DRUG", "name": "Examplumab", "description": "5 mg {}"}
        ]
    },
    "measure": {"primary_outcomes": [{"measure": "{}"}]},
    "description": {"primary_outcomes": [{"measure": "Change", "description": "{}"}]},
    "survival": {
        "primary_outcomes": [{"measure": "Overall survival", "description": "{}"}]
    },
    "time_frame": {"primary_outcomes": [{"measure": "Change", "time_frame": "{}"}]},
}
"""What stands around a text, by the names that ``at`` takes."""
WAYS = ("stands", "inferred", "refused")
"""What the proof may say of a model's answer."""
KEYS: Mapping[str, str] = {
    "reads": (
        'The fields that the rules read, `"constraints"` or `"amounts route frequency"`. One '
        'field gives all its values; several give a row for each item (`"10 mg; oral; QD"`). '
        "`route:words` are the words of a field. Beside fields: `criterion` and `line` (the text "
        "of a criterion, of any line), `section`, `quote`"
    ),
    "read": (
        'What must be read: a text, a list of texts, `""` for nothing. A case that has no other '
        'key is this alone: `"Hb >= 9 g/dL" = "Hb: >= 9 g/dL"`'
    ),
    "at": (
        "Where the text stands: "
        + ", ".join(f"`{name}`" for name in PLACES)
        + "; by default `inclusion`. Or sections of your own, with `{}` for the text: "
        '`at = { primary_outcomes = [{ measure = "{}" }] }`'
    ),
    "sure": (
        "`true`: the confidence of all that is read is at least 0.8. `false`: of none. These are "
        "first estimates, as `extractor parse` shows them"
    ),
    "surer_than": (
        "A list of other texts, of which a value is read with less confidence than of this one"
    ),
    "proven": (
        "`false`: the same value, given by a model, is not proven in the text today. A known gap of "
        "the proof, not of the rules; by default `true`"
    ),
    "gap": (
        "`true`, in `_` alone: each case of the group fails today, and must; when one holds, move "
        "it to a group without `gap`"
    ),
    "answers": (
        'A field of which a model gives the answers below: `"constraints"`. Tests the proof, not '
        "the rules"
    ),
    "claims": 'The same for a user\'s own field; this is its type: `"amount"`',
    "stands": "Answers that the words of the text bear out",
    "inferred": "Answers that stand as a conclusion from the text",
    "refused": "Answers that the text does not bear out",
    "words": "The words that are found for all these answers",
    "quote": "For `claims`: the words that the model quotes; by default the whole text",
}
"""Each key with what it means. A group has those that its cases share in ``_``."""

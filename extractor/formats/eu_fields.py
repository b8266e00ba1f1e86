"""What the EU Clinical Trials Register calls its fields, countries and languages."""

import re

_LABELS = {
    "E.1": ("medical condition",),
    "E.1.1": ("medical condition",),
    "E.1.1.1": ("medical condition",),
    "E.1.1.2": ("therapeutic area",),
    "E.1.2": (
        "medical condition",
        "version",
        "level",
        "classification",
        "term",
        "system organ",
    ),
    "E.1.3": ("condition being",),
    "E.2": ("objective",),
    "E.2.1": ("main objective",),
    "E.2.2": ("secondary objective",),
    "E.2.3": ("trial contains", "full title"),
    "E.2.3.1": ("full title",),
    "E.3": ("principal inclusion", "inclusion"),
    "E.4": ("principal exclusion", "exclusion"),
    "E.5": ("end point", "endpoint"),
    "E.5.1": ("primary end",),
    "E.5.1.1": ("timepoint", "time point"),
    "E.5.2": ("secondary end",),
    "E.5.2.1": ("timepoint", "time point"),
    "E.6": ("scope",),
    "E.6.1": ("diagnosis",),
    "E.7": ("trial type",),
    "E.8": ("design",),
    "F.1": ("age range",),
    "F.1.1": ("trial has",),
}
"""How the labels of fields begin, by number: those of longer texts, and those that end such
texts.
"""
_FIRST_SHORT = ("E", 6)
"""From this field on, what a field says has one line, except for remarks that are not read."""
NOTHING = re.compile(
    r"(?:information not present in eudract|not applicable|not "
    r"available|none|n\.?\s?/?\s?a\.?|[-–—.]*)\.?",
    re.IGNORECASE,
)
"""What the register, or who filled it in, writes into a field without a value."""
LANGUAGES = {
    "bg": "Bulgarian",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "es": "Spanish",
    "et": "Estonian",
    "fi": "Finnish",
    "fr": "French",
    "ga": "Irish",
    "hr": "Croatian",
    "hu": "Hungarian",
    "is": "Icelandic",
    "it": "Italian",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "mt": "Maltese",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sv": "Swedish",
    "en": "English",
}
COUNTRIES = {
    "AT": "Austria",
    "BE": "Belgium",
    "BG": "Bulgaria",
    "CY": "Cyprus",
    "CZ": "Czechia",
    "DE": "Germany",
    "DK": "Denmark",
    "EE": "Estonia",
    "ES": "Spain",
    "FI": "Finland",
    "FR": "France",
    "GB": "the United Kingdom",
    "GR": "Greece",
    "HR": "Croatia",
    "HU": "Hungary",
    "IE": "Ireland",
    "IS": "Iceland",
    "IT": "Italy",
    "LI": "Liechtenstein",
    "LT": "Lithuania",
    "LU": "Luxembourg",
    "LV": "Latvia",
    "MT": "Malta",
    "NL": "the Netherlands",
    "NO": "Norway",
    "PL": "Poland",
    "PT": "Portugal",
    "RO": "Romania",
    "SE": "Sweden",
    "SI": "Slovenia",
    "SK": "Slovakia",
    "3RD": "a third country",
}
"""By the codes in addresses of the register."""


def is_field(number: str, label: str, letter: str) -> bool:
    """Return whether a line that begins with a field's number is a field, and no line of a text
    that looks like one.

    Fields of the parts A to D, and of G on, count by the part that they stand in. Of E and F, a
    field with a known label must have it; any other must be one of the short ones, and its label
    begin with a capital.

    Args:
        number: The number of the field: ``E.4``.
        label: The words behind it.
        letter: The letter of the part of the form in which the line stands.

    >>> (
    ...     is_field("E.4", "Principal exclusion criteria", "E"),
    ...     is_field("E.4", "Patients with asthma", "E"),
    ... )
    (True, False)
    """
    begins = number[0]
    if begins < "E":
        return letter < "E"
    if begins > "F":
        return letter >= begins
    labels = _LABELS.get(number)
    if labels:
        return label.lower().startswith(labels)
    second = int(number.split(".")[1])
    return (begins, second) >= _FIRST_SHORT and letter in "EF" and label[:1].isupper()

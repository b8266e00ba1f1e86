"""Other headings of the two lists: shapes, slips of the pen, words around, sentences, questions,
Markdown.
"""

from functools import partial

from benchmarks.variants.layout import replace_headings
from benchmarks.variants.way import Way, on_lines

_SHAPES = {
    "no colon": ("Inclusion Criteria", "Exclusion Criteria"),
    "one word": ("Inclusion:", "Exclusion:"),
    "one word, no colon": ("Inclusion", "Exclusion"),
    "capitals": ("INCLUSION CRITERIA:", "EXCLUSION CRITERIA:"),
    "lower case": ("inclusion criteria:", "exclusion criteria:"),
    "full-width colon": ("Inclusion criteria：", "Exclusion criteria："),
    "blank and colon": ("Inclusion criteria :", "Exclusion criteria :"),
    "colon and dash": ("Inclusion criteria:-", "Exclusion criteria:-"),
    "dash": ("Inclusion criteria -", "Exclusion criteria -"),
    "period": ("Inclusion criteria.", "Exclusion criteria."),
    "semicolon": ("Inclusion criteria;", "Exclusion criteria;"),
    "brackets": ("[Inclusion Criteria]", "[Exclusion Criteria]"),
    "angle brackets": ("<Inclusion Criteria>", "<Exclusion Criteria>"),
    "lines around": ("--- Inclusion Criteria ---", "--- Exclusion Criteria ---"),
    "equals signs": ("== Inclusion criteria ==", "== Exclusion criteria =="),
    "hyphenated": ("Inclusion-Criteria:", "Exclusion-Criteria:"),
    "spaced letters": (
        "I N C L U S I O N  C R I T E R I A",
        "E X C L U S I O N  C R I T E R I A",
    ),
}
_SLIPS = {
    "plural": ("Inclusions Criteria:", "Exclusions Criteria:"),
    "plural alone": ("Inclusions:", "Exclusions:"),
    "Criterias": ("Inclusion Criterias:", "Exclusion Criterias:"),
    "Criterion": ("Inclusion criterion:", "Exclusion criterion:"),
    "Critera": ("Inclusion Critera:", "Exclusion Critera:"),
    "Crieteria": ("Inclusion Crieteria:", "Exclusion Crieteria:"),
    "letters swapped": ("Inlcusion Criteria:", "Exlcusion Criteria:"),
    "letter missing": ("Incluion Criteria:", "Excluion Criteria:"),
    "letter more": ("Inclussion Criteria:", "Exclussion Criteria:"),
    "x and c": ("Inclution criteria:", "Exculsion criteria:"),
    "no blank": ("InclusionCriteria:", "ExclusionCriteria:"),
    "adjective": ("Inclusive criteria:", "Exclusive criteria:"),
}
_WORDS = {
    "key": ("Key inclusion criteria:", "Key exclusion criteria:"),
    "main, dash": ("Main inclusion criteria -", "Main exclusion criteria -"),
    "major": ("Major Inclusion Criteria:", "Major Exclusion Criteria:"),
    "medical": ("Medical inclusion:", "Medical exclusion:"),
    "donor": ("Donor inclusions:", "Donor exclusions:"),
    "subject": ("Subject Inclusion Criteria", "Subject Exclusion Criteria"),
    "patients'": ("Patients' inclusion criteria:", "Patients' exclusion criteria:"),
    "study": ("Study inclusion criteria", "Study exclusion criteria"),
    "general": ("General Inclusion Criteria:", "General Exclusion Criteria:"),
    "of": ("Criteria for inclusion:", "Criteria for exclusion:"),
    "criteria of": ("Criteria of Inclusion", "Criteria of Exclusion"),
    "eligibility": (
        "Eligibility criteria - inclusion",
        "Eligibility criteria - exclusion",
    ),
    "reasons": ("Reasons for inclusion:", "Reasons for exclusion:"),
    "requirements": ("Inclusion requirements:", "Exclusion requirements:"),
    "all must be met": (
        "Inclusion criteria (all must be met):",
        "Exclusion criteria (none may be met):",
    ),
    "for enrolment": (
        "Inclusion criteria for enrolment:",
        "Exclusion criteria for enrolment:",
    ),
    "for all participants": (
        "Inclusion Criteria for all participants:",
        "Exclusion Criteria for all participants:",
    ),
    "include": ("Inclusion criteria include:", "Exclusion criteria include:"),
    "are as follows": (
        "The inclusion criteria are as follows:",
        "The exclusion criteria are as follows:",
    ),
    "abbreviated": ("Incl. criteria:", "Excl. criteria:"),
}
_SENTENCES = {
    "eligible": (
        "Patients are eligible if they meet all of these:",
        "Patients are not eligible if any of these applies:",
    ),
    "must meet": (
        "Subjects must meet all of the following criteria:",
        "Subjects who meet any of the following criteria will be excluded:",
    ),
    "will be included": (
        "Patients will be included if:",
        "Patients will be excluded if:",
    ),
    "to be eligible": (
        "To be eligible, a participant must fulfil all of the following:",
        "A participant who has any of the following is not eligible:",
    ),
    "may take part": ("You may take part if:", "You may not take part if:"),
    "ineligible": ("Participants are eligible if:", "Participants are ineligible if:"),
    "question": ("Who can take part?", "Who cannot take part?"),
    "question 2": (
        "Who may participate in this study?",
        "Who should not participate in this study?",
    ),
}
_NUMBERED = {
    "3.1": ("3.1 Inclusion criteria", "3.2 Exclusion criteria"),
    "4.2.1.": ("4.2.1. Inclusion Criteria", "4.2.2. Exclusion Criteria"),
    "1.": ("1. Inclusion Criteria:", "2. Exclusion Criteria:"),
    "A.": ("A. Inclusion criteria", "B. Exclusion criteria"),
    "I.": ("I. Inclusion criteria:", "II. Exclusion criteria:"),
    "(1)": ("(1) Inclusion criteria", "(2) Exclusion criteria"),
    "section": ("Section 5.1: Inclusion Criteria", "Section 5.2: Exclusion Criteria"),
    "bullet": ("* Inclusion criteria:", "* Exclusion criteria:"),
}
_MARKDOWN = {
    "stars": ("**Inclusion Criteria**", "**Exclusion Criteria**"),
    "stars and colon": ("**Inclusion Criteria:**", "**Exclusion Criteria:**"),
    "hash": ("## Inclusion criteria", "## Exclusion criteria"),
    "closed hash": ("### Inclusion Criteria ###", "### Exclusion Criteria ###"),
    "underlined": (
        "Inclusion Criteria\n------------------",
        "Exclusion Criteria\n------------------",
    ),
    "underscores": ("__Inclusion criteria__", "__Exclusion criteria__"),
    "hash and stars": ("#### **Inclusion criteria:**", "#### **Exclusion criteria:**"),
}


def _make_way(kind: str, name: str, inclusion: str, exclusion: str) -> Way:
    written = {"inclusion": inclusion, "exclusion": exclusion}
    return Way(
        kind, name, on_lines(partial(replace_headings, write=written.__getitem__))
    )


_KINDS = {
    "heading: shape": _SHAPES,
    "heading: slip": _SLIPS,
    "heading: words": _WORDS,
    "heading: sentence": _SENTENCES,
    "heading: numbered": _NUMBERED,
    "heading: Markdown": _MARKDOWN,
}
WAYS = tuple(
    _make_way(kind, name, *words)
    for kind, table in _KINDS.items()
    for name, words in table.items()
)

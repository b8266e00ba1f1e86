"""The headings of free text, and the section that each heading opens.
``rules/terms/text_headings.toml`` lists the heading words by kind. A kind is the name of a section
unless ``SECTIONS`` maps it to a different name.
"""

from extractor.outline import Vocabulary

TITLE = "title"
DESCRIPTION = "detailed_description"
ELIGIBILITY = "eligibility"
ARMS = "arms"
INTERVENTIONS = "interventions"
OUTCOMES = ("primary_outcomes", "secondary_outcomes", "other_outcomes")
ITEMS = (ARMS, INTERVENTIONS, *OUTCOMES)
"""The numbered sections. Each item becomes one section."""
RANKS = dict(zip(("primary", "secondary", "other"), OUTCOMES, strict=True))
"""The section that a rank without the word "outcome" opens below an outcomes heading."""
SECTIONS = {
    **RANKS,
    **dict.fromkeys(("criteria", "inclusion", "exclusion"), ELIGIBILITY),
    "arm": ARMS,
    "group": ARMS,
    "treatment": INTERVENTIONS,
    "health_conditions": "conditions",
    "objectives": DESCRIPTION,
    "field": DESCRIPTION,
    "label": DESCRIPTION,
}
STATES = ("arm", "group", "treatment")
"""Kinds of headings that begin an item."""
VOCABULARY = Vocabulary(
    "text_headings",
    spelling=(
        "inclusion",
        "inclusions",
        "exclusion",
        "exclusions",
        "criteria",
        "eligibility",
    ),
    lookalikes=frozenset(
        {"infusion", "infusions", "criterion", "occlusion", "conclusion", "effusion"}
    ),
    run_on="list_run_on",
    front="text_front",
)


def name_section(kind: str | None) -> str | None:
    """Return the section that a kind of heading opens.

    >>> name_section("criteria"), name_section("title")
    ('eligibility', 'title')
    """
    return SECTIONS.get(kind, kind) if kind else None

"""An invented protocol of 100 pages, as lines of its pages."""

from .pdfs import Text, set_lines, write_pdf

CRITERIA = (
    "Inclusion Criteria",
    (
        "# Age",
        "1. Adults aged 18 to 75 years",
        "# Disease",
        "2. PASI score of at least 12",
        "3. Body mass index of at most 35 kg/m2",
    ),
)
EXCLUDED = ("Exclusion Criteria", ("1. Active tuberculosis", "2. Pregnancy"))
SYNOPSIS = (
    "Key inclusion criteria",
    "1. Adults aged 18 to 65 years",
    "Key exclusion criteria",
    "1. Active tuberculosis",
    "Primary endpoint: PASI 90 at week 12",
)
OUTLINE = (
    ("1", "Protocol Summary", ()),
    ("1.1", "Protocol Synopsis", ()),
    ("1.2", "Trial Schema", ()),
    ("2", "Introduction", ()),
    ("2.1", "Purpose of Trial", ()),
    ("3", "Trial Objectives and Associated Estimands", ()),
    (
        "3.1",
        "Primary Objective and Associated Estimand",
        ("Primary endpoint: PASI 90 at week 16",),
    ),
    (
        "3.2",
        "Secondary Objectives and Associated Estimands",
        ("Secondary endpoints:", "- DLQI of 0 or 1 at week 52"),
    ),
    ("4", "Trial Design", ()),
    ("4.1", "Rationale for Trial Design", ()),
    ("5", "Trial Population", ()),
    ("5.1", *CRITERIA),
    ("5.2", *EXCLUDED),
    ("5.3", "Lifestyle Restrictions", ()),
    ("6", "Trial Intervention and Concomitant Therapy", ()),
    (
        "6.1",
        "Dosing and Administration",
        ("Fictumab 150 mg is given subcutaneously every 4 weeks for 48 weeks.",),
    ),
    ("6.2", "Concomitant Therapy", ("Emollients may be used at 20 mg daily.",)),
    ("7", "Discontinuation of Trial Intervention", ()),
    ("8", "Trial Assessments and Procedures", ()),
    ("9", "Statistical Considerations", ()),
    (
        "9.1",
        "Analysis of the Primary Endpoint",
        ("The primary endpoint is analysed by a model.",),
    ),
    ("10", "References", ()),
)
_PROSE = "The study staff follow the manual of operations at each visit and record it."
_PAGES_A_CHAPTER = 5


def write_protocol(
    *, synopsis: bool = False, running: bool = True, leader: str = " ..... "
) -> bytes:
    """Return the protocol as a PDF: a title page, a table of contents, and five pages a section."""
    title_page = [
        "A Phase 3 Trial of Fictumab in Plaque Psoriasis",
        "Protocol FIC-301",
        "Sponsor: Example University",
    ]
    entries = [
        f"{number} {title}{leader}{page}"
        for page, (number, title, _) in enumerate(OUTLINE, 3)
    ]
    pages = [title_page, ["# Table of Contents", *entries]]
    for number, title, lines in OUTLINE:
        heading = f"# {number} {title}"
        if synopsis and title == "Protocol Synopsis":
            pages.append([heading, *SYNOPSIS, *[_PROSE] * 3])
        elif lines:
            pages.append([heading, *lines])
        else:
            pages.append([heading, *[_PROSE] * 3])
            pages += [[_PROSE] * 20] * (_PAGES_A_CHAPTER - 1)
    placed = [set_lines(lines) for lines in pages]
    if running:
        placed = [
            [*_frame(number, len(placed)), *page]
            for number, page in enumerate(placed, 1)
        ]
    return write_pdf(placed)


def _frame(page: int, pages: int) -> list[Text]:
    return [
        Text(72, 805, "Protocol FIC-301 Version 2.0", size=9),
        Text(72, 30, f"Confidential Page {page} of {pages}", size=9),
    ]

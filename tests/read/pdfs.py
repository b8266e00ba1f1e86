"""A tiny writer of PDFs for tests: lines of text at places of a page, in the order given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 595
HEIGHT = 842
_LEADING = 14


@dataclass(frozen=True)
class Text:
    """A line with its lower left corner, in points."""

    left: float
    bottom: float
    words: str
    size: int = 11
    bold: bool = False


def set_lines(
    lines: Iterable[str], *, left: float = 72, top: float = 740, size: int = 11
) -> list[Text]:
    """Return lines below each other. A line that begins with "# " is a heading in bold letters."""
    placed = []
    for number, line in enumerate(lines):
        bold = line.startswith("# ")
        placed.append(
            Text(
                left,
                top - number * _LEADING,
                line.removeprefix("# "),
                size + 3 * bold,
                bold,
            )
        )
    return placed


def write_pdf(pages: Sequence[Sequence[Text]]) -> bytes:
    """Return a PDF with these pages."""
    objects: dict[int, bytes] = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        4: (
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding "
            b">>"
        ),
    }
    kids = []
    for number, page in enumerate(pages):
        drawn = "\n".join(_draw(text) for text in page).encode("cp1252")
        page_id = 5 + 2 * number
        content_id = 6 + 2 * number
        fonts = b"<< /Font << /F1 3 0 R /F2 4 0 R >> >>"
        box = f"[0 0 {WIDTH} {HEIGHT}]".encode()
        objects[page_id] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox %b /Resources %b /Contents %d 0 R >>"
            % (
                box,
                fonts,
                content_id,
            )
        )
        objects[content_id] = b"<< /Length %d >>\nstream\n%b\nendstream" % (
            len(drawn),
            drawn,
        )
        kids.append(b"%d 0 R" % page_id)
    objects[2] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (
        b" ".join(kids),
        len(kids),
    )
    return _assemble(objects)


def _draw(text: Text) -> str:
    words = text.words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F{2 if text.bold else 1} {text.size} Tf {text.left} {text.bottom} Td ({words}) Tj ET"


def _assemble(objects: dict[int, bytes]) -> bytes:
    out = b"%PDF-1.4\n"
    places = []
    for number in sorted(objects):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, objects[number])
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )

"""A tiny writer of PDFs for tests: lines of text at places of a page, in the order given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LEADING = 14
_PAGE = (
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]"
    " /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents {} 0 R >>"
)
_FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"


@dataclass(frozen=True)
class Text:
    """A line with its lower left corner, in points."""

    left: float
    bottom: float
    words: str
    size: int = 11
    bold: bool = False


def set_lines(lines: Iterable[str]) -> list[Text]:
    """Return lines below each other. "# " begins a heading in larger letters, and "## " one in bold
    letters.
    """
    placed = []
    for number, line in enumerate(lines):
        size = 14 if line.startswith("# ") else 11
        bottom = 740 - number * _LEADING
        placed.append(Text(72, bottom, line.lstrip("# "), size, line.startswith("##")))
    return placed


def write_pdf(pages: Sequence[Sequence[Text]]) -> bytes:
    """Return a PDF with these pages."""
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        _FONT.format("Helvetica"),
        _FONT.format("Helvetica-Bold"),
    ]
    for page in pages:
        drawn = "\n".join(map(_draw, page))
        objects += [
            _PAGE.format(len(objects) + 2),
            f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        ]
    written = "%PDF-1.4\n"
    rows = "0000000000 65535 f \n"
    for number, content in enumerate(objects, 1):
        rows += f"{len(written):010d} 00000 n \n"
        written += f"{number} 0 obj\n{content}\nendobj\n"
    size = len(objects) + 1
    end = f"startxref\n{len(written)}\n%%EOF\n"
    written += f"xref\n0 {size}\n{rows}trailer\n<< /Size {size} /Root 1 0 R >>\n{end}"
    return written.encode("cp1252")


def _draw(text: Text) -> str:
    words = text.words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F{2 if text.bold else 1} {text.size} Tf {text.left} {text.bottom} Td ({words}) Tj ET"

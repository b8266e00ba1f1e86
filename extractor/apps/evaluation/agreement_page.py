"""The page of two annotators: how far they agree, and each difference in its text."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from extractor.apps.evaluation.agreement import Agreement, name_relation
from extractor.apps.evaluation.figures import LEAST_VALUES
from extractor.apps.evaluation.page import export_errors
from extractor.apps.pages import escape_json, render_page

_SCRIPTS = ("list.js", "detail.js", "start.js")


def write_agreement_page(
    path: str | PathLike[str],
    agreement: Agreement,
    records: Sequence[str | PathLike[str]] = (),
) -> None:
    """Write the agreement of two annotators as one HTML page that needs no network. The texts come
    from ``records``, the inputs of the run. Raises ``OSError`` if the file cannot be written.
    """
    page = render_agreement_page(agreement, records)
    Path(path).write_bytes(page.encode("utf-8", "replace"))


def render_agreement_page(
    agreement: Agreement, records: Sequence[str | PathLike[str]] = ()
) -> str:
    """Return the page as text; see ``write_agreement_page``."""
    errors = (*agreement.errors, *agreement.alike)
    shown, views = export_errors(errors, records)
    for error, exported in zip(errors, shown, strict=True):
        exported["kind"] = name_relation(error, agreement.one, agreement.other)
        # Neither side is more harmful than the other.
        exported["harm"] = None
        exported["provenance"] = None
    listed = {error.record_id for error in errors}
    with_differences = {error.record_id for error in agreement.errors}
    names = {"gold": agreement.one, "predicted": agreement.other}
    values = {
        "agreement": agreement,
        "scores": {field.name: field for field in agreement.report.fields},
        "least_values": LEAST_VALUES,
        "records_with_differences": len(with_differences),
        "records_listed": len(listed),
        "without_text": len(listed - views.keys()),
        "data": escape_json({"errors": shown, "views": views, "names": names}),
    }
    return render_page(
        "extractor.apps.evaluation",
        values,
        styles=("page.css",),
        scripts=_SCRIPTS,
        template="agreement.html",
    )

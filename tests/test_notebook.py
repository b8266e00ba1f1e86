"""The notebook runs from start to end, and shows marked evidence and a figure."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "notebooks"


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem
)
def test_a_notebook_runs_and_shows_marked_evidence_and_a_figure(path):
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(FOLDER)}}
    ran = NotebookClient(notebook, timeout=120, resources=resources).execute()
    code = [cell for cell in ran.cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    kinds = {output.output_type for output in outputs}
    assert kinds <= {"execute_result", "display_data"}  # no warnings, no errors
    shown = [output.data for output in outputs]
    pages = [forms.get("text/html", "") for forms in shown]
    assert any('<mark class="eligibility"' in page for page in pages)
    assert any("image/png" in forms for forms in shown)

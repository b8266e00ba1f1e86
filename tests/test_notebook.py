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
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}
    )
    ran = client.execute()
    outputs = [
        output
        for cell in ran.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    assert all(
        output.output_type in {"execute_result", "display_data"} for output in outputs
    )  # no warnings, no errors
    data = [output.data for output in outputs]
    assert any(
        '<mark class="eligibility"' in forms.get("text/html", "") for forms in data
    )
    assert any("image/png" in forms for forms in data)

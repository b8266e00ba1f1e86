"""The installed wheel, which each process that the program starts imports, whatever the current
directory holds.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.commands import read_lines
from tests.serve.running import many, one, serve

pytestmark = pytest.mark.slow

SCRIPT = """\
import sys
sys.path[1:1] = [{site!r}]
sys.path += {packages!r}
from extractor.apps.cli import main
if __name__ == "__main__":
    main()
"""
RECORDS = Path(__file__).parents[1] / "seeds" / "records"


@pytest.fixture(scope="module")
def program(site, tmp_path_factory):
    """The installed command, which finds the package where it was unpacked."""
    packages = [path for path in sys.path if path.endswith("site-packages")]
    script = tmp_path_factory.mktemp("installed") / "extractor"
    script.write_text(SCRIPT.format(site=str(site), packages=packages))
    return sys.executable, "-S", str(script)  # -S keeps an editable install out


@pytest.fixture
def clone(tmp_path):
    """Another version of the package, which cannot be imported."""
    folder = tmp_path / "clone"
    (folder / "extractor").mkdir(parents=True)
    (folder / "extractor" / "__init__.py").write_text(
        'raise RuntimeError("another version was imported")\n'
    )
    return folder


@pytest.fixture(autouse=True)
def _no_path_from_outside(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)


def run(program, clone, *words, **environment):
    command = [*program, *map(str, words)]
    known = os.environ | environment
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=clone, env=known, check=False
    )
    assert "another version" not in done.stderr
    return done


def test_the_wheel_installs_one_name_with_all_that_belongs_to_it(site):
    assert {path.name for path in site.iterdir() if path.suffix != ".dist-info"} == {
        "extractor"
    }
    assets = ("page.css", "page.html", "errors.js")
    data = (
        "py.typed",
        "schemas/__init__.py",
        "model/prompts/system.v10.md",
        "model/prompts/guideline.md",
        "apps/export/rules/fhir.toml",
        "formats/registers/ctgov.toml",
    )
    for name in (*data, *(f"apps/evaluation/assets/{asset}" for asset in assets)):
        assert (site / "extractor" / name).is_file(), name


def test_the_service_answers_from_inside_a_clone(program, clone, tmp_path):
    with serve(
        tmp_path / "root", "--workers", "1", program=program, cwd=clone
    ) as service:
        headers = {"content-type": "application/json"}
        answer = service.client.post("/v1/extractions", content=one(), headers=headers)
        assert answer.json()["record_id"] == "NCT00000001"
        # More records than the job's own process extracts.
        job = service.client.finish(service.client.submit(many(40))["id"])
        assert (job["state"], job["extracted"]) == ("done", 40)
        assert "another version" not in service.errors


def test_workers_extract_from_inside_a_clone_and_leave_nothing_at_home(
    program, clone, tmp_path
):
    home = tmp_path / "home"
    home.mkdir()
    before = sorted(home.rglob("*"))
    options = ("--effort", "none", "--workers", "2", "--out", tmp_path / "out")

    done = run(program, clone, "run", RECORDS, *options, HOME=str(home))

    assert done.returncode == 0, done.stderr
    assert len(read_lines(tmp_path / "out" / "extractions.jsonl")) == 5
    assert sorted(home.rglob("*")) == before


def test_the_lock_file_has_a_fitting_version_and_hashes_for_all_that_the_image_installs():
    text = Path("deploy/requirements.txt").read_text("utf-8")
    pinned = dict(
        re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\n]+)", text, re.MULTILINE)
    )
    hashed = re.findall(
        r"^([a-z0-9._-]+)(?:\[[^]]*\])?==\S+[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}",
        text,
        re.MULTILINE,
    )
    assert set(pinned) == set(hashed)
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    needed = [
        *project["project"]["dependencies"],
        *project["build-system"]["requires"],
        *extras["serve"],
        *extras["export"],
        *extras["documents"],
    ]
    for need in map(Requirement, needed):
        version = pinned[canonicalize_name(need.name)]
        assert need.specifier.contains(version), (
            f"{need}: make deploy/requirements.txt anew"
        )
    assert "--require-hashes -r deploy/requirements.txt" in Path(
        "deploy/Dockerfile"
    ).read_text("utf-8")

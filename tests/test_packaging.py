"""The wheel: one top-level name, with models, prompts, vocabularies and types in it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_installs_one_name(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"extractor"}


@pytest.mark.parametrize(
    "name",
    [
        "extractor/py.typed",
        "extractor/schemas/__init__.py",
        "extractor/prompts/endpoints.v4.md",
        "extractor/rulebook/terms/time_units.toml",
        "extractor/ask/local/models.toml",
        "extractor/evaluation/page/assets/page.css",
        "extractor/evaluation/page/assets/page.html",
        "extractor/evaluation/page/assets/start.js",
    ],
)
def test_the_wheel_holds(wheel, name):
    with zipfile.ZipFile(wheel) as archive:
        assert name in archive.namelist()


def test_the_installed_wheel_extracts_away_from_the_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    record = ROOT / "seeds" / "records" / "004_1182056c988eb392.txt"
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from extractor import Extractor, read_records\n"
        "import extractor\n"
        f"assert extractor.__file__.startswith({str(site)!r}), extractor.__file__\n"
        f"extraction = Extractor().extract(next(read_records({str(record)!r})))\n"
        "print(len(extraction.endpoints), extraction.usage.open_questions)"
    )
    # -S and an explicit path keep the editable install of the checkout out.
    packages = [entry for entry in sys.path if entry.endswith("site-packages")]
    code = f"import sys; sys.path += {packages!r}\n" + code
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "5"

"""Processes that a run starts import what their parent imported, also in the folder of another checkout."""

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = """
from extractor.cli import main

if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An interpreter and its environment: a ``.pth`` file leads to the package."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    folder = tmp_path_factory.mktemp("editable")
    venv.create(folder, symlinks=os.name != "nt")
    packages = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    Path(packages, "checkout.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n", "utf-8")
    return str(Path(sysconfig.get_path("scripts", vars={"base": str(folder)}), "python")), environment


@pytest.fixture
def run_in_clone(python, tmp_path):
    """Runs a script that stands elsewhere in a folder with a package of the same name, which cannot be imported."""
    decoy = tmp_path / "clone" / "extractor"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").write_text("raise ImportError('the package of the current directory')", "utf-8")
    script = tmp_path / "bin" / "started"
    script.parent.mkdir()

    def run(content, *arguments):
        script.write_text(content, "utf-8")
        interpreter, environment = python
        command = [interpreter, str(script), *map(str, arguments)]
        return subprocess.run(
            command, cwd=decoy.parent, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    return run


def test_worker_processes(run_in_clone, tmp_path):
    log = tmp_path / "log"
    records = ROOT / "tests" / "records"
    done = run_in_clone(COMMAND, "run", records, "--assist", "never", "--workers", 2, "--quiet", "--log-json", log)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == log.read_text("utf-8").count('"record_done"') > 0
    assert "worker_lost" not in log.read_text("utf-8")

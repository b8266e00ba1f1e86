"""Worker processes import the same modules as their parent, even in the folder of another checkout."""

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = """
from extractor.cli import main

if __name__ == "__main__":
    main()
"""


def test_worker_processes_import_what_their_parent_imported(tmp_path):
    """An editable install starts the command in a folder with a broken package of the same name."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    folder, decoy, log = tmp_path / "editable", tmp_path / "clone" / "extractor", tmp_path / "log"
    venv.create(folder, symlinks=os.name != "nt")
    packages = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    Path(packages, "checkout.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n", "utf-8")
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").write_text("raise ImportError('the package of the current directory')", "utf-8")
    (tmp_path / "started").write_text(COMMAND, "utf-8")
    python = Path(sysconfig.get_path("scripts", vars={"base": str(folder)}), "python")
    options = ("--assist", "never", "--workers", "2", "--quiet", "--log-json", str(log))
    command = [str(python), str(tmp_path / "started"), "run", str(ROOT / "tests" / "records"), *options]
    done = subprocess.run(
        command, cwd=decoy.parent, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == log.read_text("utf-8").count('"record_done"') > 0
    assert "worker_lost" not in log.read_text("utf-8")

"""Each block of the page about many machines, run by its engine as a user runs it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from shutil import which

import pandas as pd
import pytest

import extractor
from extractor import ExtractFrame
from extractor.formats import name_text
from tests.commands import invoke
from tests.stand_ins import write_distinct_records

pytestmark = pytest.mark.slow

PAGE = Path("docs/how-to/many-machines.md").read_text("utf-8")
RECORDS = 9
DEADLINE_S = 300


def find_blocks(heading, language):
    """The code blocks in a section of the page."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.M | re.S)


@pytest.fixture
def folder(tmp_path):
    write_distinct_records(tmp_path / "trials.jsonl", RECORDS)
    return tmp_path


@pytest.fixture
def expected(folder):
    """The extraction of each record, as this process extracts it without an engine."""
    lines = (folder / "trials.jsonl").read_text("utf-8").splitlines()
    return sorted(
        ExtractFrame(effort="none")(pd.DataFrame({"record": lines}))["extraction"]
    )


def run(folder, command, **environment):
    """Run a command with all its processes, which end with it, and return what it printed."""
    scripts = str(Path(sys.executable).parent)
    known = os.environ | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path.cwd()),
        "RAY_USAGE_STATS_ENABLED": "0",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=known | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=DEADLINE_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode, printed


@pytest.mark.parametrize("engine", ["Ray", "Dask", "Spark"])
def test_an_engine_returns_what_one_process_does(engine, folder, expected):
    pytest.importorskip({"Spark": "pyspark"}.get(engine, engine.lower()))
    if engine == "Spark" and not which("java"):
        pytest.skip("Spark needs Java")
    [script] = find_blocks(engine, "python")
    with (folder / "trials.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    # small blocks, so that all errors of some are missing
    for given, small in [("size=100", "size=1"), ("16MiB", "8KiB")]:
        script = script.replace(given, small)
    (folder / "script.py").write_text(script, "utf-8")

    code, printed = run(folder, [sys.executable, "script.py"])
    if "timed out during startup" in printed:  # Ray allows half a minute
        code, printed = run(folder, [sys.executable, "script.py"])
    assert code == 0, printed

    rows = pd.read_parquet(folder / "extracted")
    assert list(rows) == [*ExtractFrame.columns]
    assert sorted(rows["extraction"].dropna()) == expected
    [error] = rows["error"].dropna()
    assert "broken JSON" in error
    [failed] = rows.loc[rows["error"].notna(), "record_id"]
    assert failed == name_text(b"{broken")


def test_commands_read_the_stored_rows(folder, expected, monkeypatch):
    (folder / "extracted").mkdir()
    lines = (folder / "trials.jsonl").read_text("utf-8").splitlines()
    for number, part in enumerate([[*lines, "{broken", None], lines[:2]]):
        rows = ExtractFrame(effort="none")(pd.DataFrame({"record": part}))
        rows.to_parquet(folder / "extracted" / f"part-{number}.parquet")
    (folder / "extracted" / "_part-2.parquet").write_bytes(b"begun")
    monkeypatch.chdir(folder)
    [reading] = find_blocks("Read the extractions", "python")
    [commands] = find_blocks("Read the extractions", "bash")

    exec(compile(reading, "page", "exec"), {})
    listed, done = (invoke(*shlex.split(line)[1:]) for line in commands.splitlines())

    assert "broken JSON" in listed.output
    assert "contains no record" in listed.output
    assert done.exit_code == 0, done.output
    assert f"records: {RECORDS}" in done.output
    assert "--records" not in done.output


def test_a_second_run_of_dask_extracts_the_missing_blocks_alone(folder):
    pytest.importorskip("dask")
    [script] = find_blocks("Dask", "python")
    (folder / "script.py").write_text(script.replace("16MiB", "8KiB"), "utf-8")
    assert run(folder, [sys.executable, "script.py"])[0] == 0
    kept, lost, *_ = sorted((folder / "extracted").iterdir())
    kept.write_bytes(b"as it was")
    lost.unlink()

    code, printed = run(folder, [sys.executable, "script.py"])

    assert code == 0, printed
    assert kept.read_bytes() == b"as it was"
    assert len(pd.read_parquet(lost)) > 0


def test_an_error_names_the_numbered_line(folder, monkeypatch):
    with (folder / "trials.jsonl").open("a", encoding="utf-8") as file:
        file.write("{}\n")
    monkeypatch.chdir(folder)
    numbering = PAGE.partition("Number the lines")[2].split("```python\n")[1]

    exec(compile(numbering.partition("```")[0], "page", "exec"), {})

    [error] = ExtractFrame()(pd.read_parquet("trials.parquet"))["error"].dropna()
    assert error.startswith(f"RecordError: trials.jsonl, line {RECORDS + 1}: JSON")


def test_the_tasks_of_an_array_extract_the_parts(folder):
    divide, task, export = find_blocks("Slurm", "bash")
    (folder / "extract.sh").write_text(task, "utf-8")
    # what sbatch does, on this machine
    sbatch = folder / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(
        "#!/bin/bash\n[ $1 = --array=0-3 ] || exit 2\n"
        "for task in 0 1 2 3; do SLURM_ARRAY_TASK_ID=$task bash $2 || exit; done\n"
    )
    sbatch.chmod(0o755)

    code, printed = run(folder, ["bash", "-euc", f'PATH="$PWD/bin:$PATH"\n{divide}'])

    assert code == 0, printed
    parts = sorted(folder.glob("runs/*/extractions.jsonl"))
    lines = [line for part in parts for line in part.read_text("utf-8").splitlines()]
    invoke("run", folder / "trials.jsonl", "--out", folder / "one", "--effort", "none")
    whole = (folder / "one" / "extractions.jsonl").read_text("utf-8").splitlines()
    assert list(map(without_source, lines)) == list(map(without_source, whole))
    if hasattr(extractor, "read_results"):
        code, printed = run(folder, ["bash", "-euc", export])
        assert code == 0, printed
        assert f"records: {RECORDS}" in printed
        read = extractor.read_results(folder / "runs" / "00", folder / "runs" / "01")
        assert len(read) == sum(
            line.parent.name in ("00", "01") and len(line.read_text().splitlines())
            for line in parts
        )


def without_source(line):
    return {**json.loads(line), "source": None}

"""The page on the service and the files of ``deploy/`` do what they say, and agree."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from extractor.apps.serve.settings import ServiceOptions
from extractor.model.events import Event

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/service.md").read_text("utf-8")
PRODUCTION = (ROOT / "docs/how-to/production.md").read_text("utf-8")
SERVE = (ROOT / "docs/how-to/serve.md").read_text("utf-8")
LOGS = (ROOT / "docs/reference/logs.md").read_text("utf-8")
UNIT = (ROOT / "deploy/extractor.service").read_text("utf-8")
NGINX = (ROOT / "deploy/nginx.conf").read_text("utf-8")


def find_figure(pattern: str, text: str) -> int:
    """Return the number that a pattern of one group finds."""
    match = re.search(pattern, text)
    assert match, pattern
    return int(match[1].replace(",", ""))


def find_block(words: str, page: str = PRODUCTION) -> str:
    """Return the block of commands that has these words."""
    blocks = re.findall(r"^```bash\n(.*?)^```", page, re.M | re.S)
    (block,) = [block for block in blocks if words in block]
    return str(block)


def run_bash(commands: str, cwd: Path) -> str:
    """Run commands of a page, each of which must succeed, and return what they print. There is no
    systemd here, and `sudo` runs what follows it.
    """
    stubs = 'sudo() { "$@"; }; systemctl() { echo "systemctl $*"; }; set -eo pipefail\n'
    done = subprocess.run(
        ["bash", "-c", stubs + commands],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout


INSTALL = find_block("/opt/extractor-$version/\nsudo ln -sfn")


def find_free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def list_commands(page: str) -> str:
    """Return the commands of all blocks of a page that show what a command prints."""
    blocks = re.findall(r"^```text\n(.*?)^```", page, re.M | re.S)
    calls = re.findall(r"^\$ (.*\n(?: {4}.*\n)*)", "".join(blocks), re.M)
    return "".join(calls)


def run_page(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run commands in a folder with the inputs of the clone, on a port that is free."""
    commands = re.sub("840[01]", str(find_free_port()), commands)
    for name in ("seeds", "tests"):
        (folder / name).symlink_to(ROOT / name)
    # A program rather than a function of the shell, so that the page's `kill` reaches it.
    program = folder / "bin" / "extractor"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m extractor "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "EXTRACTOR_CONFIG": "none",
    }
    return subprocess.run(
        ["bash", "-c", f"{commands}\nwait"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "jq", "zip", "openssl"))),
    reason="the page uses them",
)
def test_the_page_on_the_service_runs_as_written(tmp_path):
    """From the start to the revoked key, in one shell. Only the port is another."""
    begin = find_block("--log-json service.log", SERVE).replace(
        "serve ", "serve --port 8400 "
    )
    chapters = SERVE[SERVE.index("## 2.") : SERVE.index("## 5.")]
    commands = list_commands(chapters)

    done = run_page(f"{begin}\n{commands}\nkill %1", tmp_path)

    shown = done.stdout
    assert '"record_id":"note"' in shown, done.stderr
    assert '"state": "done", "reason": null' in shown
    assert "\n204\n" in shown
    assert "\nanna\t" in shown
    assert shown.count('"status": 401') == 1
    assert (tmp_path / "criteria.csv").read_text("utf-8").startswith("record_id,")
    # git offers none of these to commit
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    made = {path.name for path in tmp_path.iterdir()} - {"bin", "seeds", "tests"}
    assert made == {"service", "service.log", "criteria.csv"}
    assert {f"/{name}" for name in made} <= {line.rstrip("/") for line in ignored}


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="the page uses curl")
def test_the_rehearsed_refusal_runs_as_written(tmp_path):
    """It needs no network and no key of a provider. Only the port is another."""
    (block,) = [
        block
        for block in re.findall(r"^```text\n(.*?)^```", REFERENCE, re.M | re.S)
        if "REHEARSAL" in block
    ]
    done = run_page(list_commands(f"```text\n{block}```"), tmp_path)
    assert '"status": 402' in done.stdout, done.stderr
    assert "the caller's limit of money is reached" in done.stdout


def test_the_memory_of_the_unit_is_enough_for_its_workers():
    base = find_figure(r"(\d+) MiB, and \d+ MiB for each of `--workers`", PRODUCTION)
    each = find_figure(r"\d+ MiB, and (\d+) MiB for each of `--workers`", PRODUCTION)
    workers = find_figure(r"--workers (\d+)", UNIT)
    most = find_figure(r"MemoryMax=(\d+)G", UNIT) * 1024
    assert f"starts {workers} workers" in PRODUCTION
    assert 2 * (base + each * workers) <= most


def test_the_proxy_lets_the_largest_upload_through():
    most = find_figure(r"client_max_body_size (\d+)g;", NGINX) * 1024**3
    assert most > ServiceOptions().max_upload_bytes


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files to others")
def test_a_backup_holds_all_and_restores_it(tmp_path):
    """The folder is a link, as systemd makes it, and belongs to a user of the service alone."""
    private = tmp_path / "private"
    (private / "jobs" / "anna").mkdir(parents=True)
    (private / "callers.sqlite").write_text("keys")
    (private / ".lock").touch()
    for path in (private, *private.rglob("*")):
        os.chown(path, 61234, 61234)
    linked = tmp_path / "linked"
    linked.symlink_to(private)
    backups = tmp_path / "backups"
    backups.mkdir()

    def run(words: str) -> None:
        commands = find_block(words).replace("/var/lib/extractor", str(linked))
        commands = commands.replace("/var/backups/extractor", str(backups))
        commands = commands.replace("DATE", "$(date +%F)")
        printed = run_bash(commands, tmp_path).splitlines()
        assert printed == ["systemctl stop extractor", "systemctl start extractor"]

    before = sorted(private.rglob("*"))
    run("-czf /var/backups/extractor/$(date +%F)")
    (private / "callers.sqlite").write_text("torn")
    (private / "later").touch()
    run("-xzf")
    assert sorted(private.rglob("*")) == before
    assert (private / "callers.sqlite").read_text() == "keys"
    # systemd gives it to the service's user, whoever that is then
    assert {path.stat().st_uid for path in (private, *private.rglob("*"))} == {0}


@pytest.mark.skipif(os.getuid() != 0, reason="cron's commands run as root")
def test_the_backup_of_each_night_runs_and_deletes_old_copies(tmp_path):
    data, backups, table = (tmp_path / name for name in ("data", "backups", "cron"))
    data.mkdir()
    (data / "callers.sqlite").write_text("keys")
    backups.mkdir()
    old = backups / "2026-01-01.tgz"
    old.touch()
    os.utime(old, (0, 0))
    run_bash(
        find_block("<< 'END'\n0 3").replace("/etc/cron.d/extractor", str(table)),
        tmp_path,
    )
    *when, user, command = table.read_text().split(maxsplit=6)
    assert (when, user) == (["0", "3", "*", "*", "*"], "root")
    # cron takes a bare % for the end of the command
    assert not re.search(r"(?<!\\)%", command)
    command = command.replace("\\%", "%").replace("/var/lib/extractor", str(data))
    printed = run_bash(
        command.replace("/var/backups/extractor", str(backups)), tmp_path
    )
    assert printed.splitlines() == [
        "systemctl stop extractor",
        "systemctl start extractor",
    ]
    (copy,) = backups.iterdir()
    assert "./callers.sqlite" in run_bash(f"tar -tzf {copy}", tmp_path)


@pytest.mark.skipif(os.getuid() != 0, reason="cron's commands run as root")
def test_a_backup_that_fails_starts_the_service_and_deletes_no_old_copy(tmp_path):
    """The message of `tar`, which cron mails, and the exit code say so, in cron's `sh`."""
    backups = tmp_path / "backups"
    backups.mkdir()
    old = backups / "2026-01-01.tgz"
    old.touch()
    os.utime(old, (0, 0))
    line = find_block("<< 'END'\n0 3").splitlines()[1]
    command = line.split(maxsplit=6)[-1].replace("\\%", "%")
    command = command.replace("/var/lib/extractor", str(tmp_path / "missing"))
    command = command.replace("/var/backups/extractor", str(backups))
    systemctl = tmp_path / "systemctl"
    systemctl.write_text('#!/bin/sh\necho "systemctl $*"\n')
    systemctl.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "missing" in done.stderr
    assert done.stdout.splitlines()[-1] == "systemctl start extractor"
    assert old.exists()


def test_going_back_takes_the_old_program_and_its_unit(tmp_path):
    for version in ("new", "old"):
        folder = tmp_path / f"extractor-{version}"
        folder.mkdir()
        (folder / "extractor.service").write_text(version)
    units = tmp_path / "units"
    units.mkdir()

    def run(words: str) -> list[str]:
        commands = find_block(words).replace("/opt/", f"{tmp_path}/")
        commands = commands.replace("/etc/systemd/system/", f"{units}/")
        return run_bash(commands.replace("-OLD", "-old"), tmp_path).splitlines()

    (tmp_path / "extractor").symlink_to(tmp_path / "extractor-new")
    printed = run("extractor-OLD")
    assert (tmp_path / "extractor").resolve() == tmp_path / "extractor-old"
    assert (units / "extractor.service").read_text() == "old"
    assert printed == [
        "systemctl stop extractor",
        "systemctl daemon-reload",
        "systemctl start extractor",
    ]
    # the install puts the unit where an update and the way back find it
    assert "cp deploy/extractor.service /opt/extractor-$version/\n" in INSTALL


def test_an_update_installs_as_the_first_time():
    """All but the link: the old version still runs."""
    steps = INSTALL.removesuffix(
        "sudo ln -sfn /opt/extractor-$version /opt/extractor\n"
    )
    assert steps != INSTALL
    assert find_block("git pull\n") == f"git pull\n{steps}"


CALLING = [
    {"event": "worker_lost"},
    {"event": "request_failed", "error": "KeyError"},
    {"event": "request_ended", "status": 507},
    {"event": "request_ended", "status": 402},
    {"event": "job_changed", "state": "failed"},
    {"event": "job_changed", "state": "paused"},
]
QUIET = [
    {"event": "request_ended", "status": 200},
    {"event": "request_ended", "status": 404},
    {"event": "call_ended", "status": 500},
    {"event": "job_changed", "state": "queued"},
    {"event": "job_ended", "state": "done"},
    {"event": "service_started", "jobs": 0},
]


@pytest.mark.skipif(not shutil.which("jq"), reason="the page uses jq")
def test_the_filter_of_alerts_shows_what_calls_for_somebody(tmp_path):
    """The journal also has lines that are no events."""
    log = tmp_path / "log"
    events = [json.dumps(event) for event in (*CALLING, *QUIET)]
    log.write_text("\n".join(["http://127.0.0.1:8400", *events]))
    command = find_block("fromjson?").replace(
        "journalctl -u extractor -o cat --since -5min", f"cat {log}"
    )
    shown = run_bash(command, tmp_path).splitlines()
    assert [json.loads(line) for line in shown] == CALLING


@pytest.mark.skipif(not shutil.which("jq"), reason="the page uses jq")
def test_the_questions_to_the_log_have_answers(tmp_path):
    log = tmp_path / "log"
    journal = tmp_path / "journal"
    ours = {"time": "2026-11-26T09:00:00+00:00", "caller": "anna", "job": "0f"}
    usage = {"calls": 2, "prompt_tokens": 30, "output_tokens": 12, "usd": 0.5}
    events = [
        {"event": "job_ended", "state": "queued"},
        {"event": "job_ended", "state": "done", "extracted": 5, "failed": 1, **usage},
        {"event": "request_ended", "route": "/v1/extractions", "status": 200, **usage},
        {"event": "job_deleted", "by": None},
        {"event": "key_changed", "change": "limited", "by": "root", "max_usd": 3}
        | {"changed": ours["time"]},
    ]
    lines = [json.dumps({**ours, **event}) for event in events]
    journal.write_text("\n".join(["http://127.0.0.1:8400", *lines]))
    # in production, the journal has other lines, too
    (first,) = re.findall(r"`journalctl -u extractor -o cat (\|.* FILE)`", LOGS)
    run_bash(f"cat {journal} {first.replace('FILE', str(log))}", tmp_path)
    printed = run_bash(
        find_block("job_ended", LOGS).replace("FILE", str(log)), tmp_path
    )
    assert printed.splitlines() == [
        f"{ours['time']}\tanna\t0f\tdone\t5\t1\t0.5",
        "anna\t84\t1",
        f"{ours['time']}\t0f\tanna\tkeep-days",
        f"{ours['time']}\tanna\tlimited\troot\t3\t",
        "      1 anna /v1/extractions 200",
    ]


def test_each_event_that_calls_for_somebody_exists():
    """The table of alerts, and the reference, which has each event."""
    table = PRODUCTION[PRODUCTION.index("| event | means") :]
    table = table[: table.index("\n\n")]
    named = set(re.findall(r"`([a-z]+_[a-z]+)`", table))
    assert named
    assert named <= set(Event)


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not here")
def test_the_proxy_s_file_is_valid_after_the_page_s_changes(tmp_path):
    (tmp_path / "extractor.conf").write_text(NGINX)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=trials.test", "-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    edit = next(line for line in PRODUCTION.splitlines() if line.startswith("sudo sed"))
    for old, new in (
        ("/etc/nginx/conf.d", str(tmp_path)),
        ("NAME", "trials.test"),
        ("CERTIFICATE", str(tmp_path / "cert.pem")),
        ("#KEY#", f"#{tmp_path / 'key.pem'}#"),
    ):
        assert old in edit
        edit = edit.replace(old, new)
    run_bash(edit, tmp_path)
    changed = (tmp_path / "extractor.conf").read_text()
    assert "example.org" not in changed
    # The log's folder may not be here.
    (tmp_path / "extractor.conf").write_text(changed.replace("/var/log/nginx", "."))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; events {{}} http {{ include {tmp_path}/extractor.conf; }}"
    )
    command = ["nginx", "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_the_unit_is_valid(tmp_path):
    program = tmp_path / "extractor"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "extractor.service"
    unit.write_text(UNIT.replace("/opt/extractor/bin/extractor", str(program)))
    command = ["systemd-analyze", "verify", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert str(unit) not in done.stderr, done.stderr
    assert "extractor.service" not in done.stderr, done.stderr


def test_the_unit_outlives_a_worker_that_the_kernel_kills():
    """The page says that the worker is replaced; systemd's default is to stop the whole unit."""
    assert re.search(r"^OOMPolicy=continue$", UNIT, re.M)


def test_the_unit_takes_options_from_the_environment_s_file():
    """An update may replace the unit, since nobody writes options into it."""
    assert re.search(r"^ExecStart=.* \$EXTRACTOR_OPTIONS$", UNIT, re.M)
    assert "EXTRACTOR_OPTIONS=--keep-days 90" in find_block("EXTRACTOR_TOKEN=%s")

"""Options from extractor.toml or pyproject.toml: what they may set, and who wins."""

import json

import pytest

from tests.commands import invoke

TEXT = """Inclusion criteria:
- Adults
- Haemoglobin at least 9 g/dL
Primary endpoint: overall survival at week 52
"""
TAKEN = "extractor: options of "


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder with one record, and settings of its own."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "trial.txt").write_text(TEXT, "utf-8")
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EXTRACTOR_CONFIG", raising=False)
    return here


def write(folder, text, name="extractor.toml"):
    (folder / name).write_text(text, "utf-8")


def extract(*options, code=0, **environment):
    """Run the rules over the record; return standard output and error."""
    done = invoke("run", "trial.txt", "--workers", 1, *options, **environment)
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


def read_tasks(printed):
    """Return the names of the parts that have values in a printed extraction."""
    extraction = json.loads(printed)
    found = set()
    if extraction["eligibility"]["criteria"]:
        found.add("eligibility")
    if extraction["endpoints"]:
        found.add("endpoints")
    return found


@pytest.mark.parametrize(
    ("name", "head"),
    [("extractor.toml", ""), ("pyproject.toml", "[tool.extractor]\n")],
)
def test_a_file_of_the_working_folder_gives_options_and_is_named_in_one_line(
    folder, name, head
):
    write(folder, f"{head}tasks = ['endpoints']\nquiet = true\n", name)
    printed, said = extract()
    assert read_tasks(printed) == {"endpoints"}
    where = f"{name} [tool.extractor]" if head else name
    assert said == f"{TAKEN}{where}: quiet, tasks (--no-config leaves them out)\n"


def test_a_table_of_a_command_decides_over_the_top_and_the_command_line_over_both(
    folder,
):
    write(folder, "tasks = 'eligibility'\n[run]\ntasks = 'endpoints'\n")
    assert read_tasks(extract()[0]) == {"endpoints"}
    printed, said = extract("--tasks", "eligibility")
    assert read_tasks(printed) == {"eligibility"}
    assert TAKEN not in said


def test_the_own_file_has_precedence_over_the_shared_one(folder):
    write(folder, "tasks = 'endpoints'\n")
    write(folder, "[tool.extractor]\ntasks = 'eligibility'\n", "pyproject.toml")
    assert read_tasks(extract()[0]) == {"endpoints"}


def test_the_environment_has_precedence_over_the_file(folder):
    write(folder, "[serve]\nroot = 'of-the-file'\n")
    named = ("--config", "extractor.toml")
    invoke(
        "serve",
        "keys",
        "add",
        "anna",
        "--new",
        *named,
        EXTRACTOR_ROOT="of-the-environment",
    )
    assert (folder / "of-the-environment").exists()
    assert not (folder / "of-the-file").exists()
    invoke("serve", "keys", "add", "anna", "--new", *named)
    assert (folder / "of-the-file").exists()


def test_a_table_of_a_group_is_for_all_its_commands(folder):
    write(folder, "[batch]\nout = 'results'\n[batch.collect]\nrounds = 2\n")
    done = invoke("batch", "submit", "trial.txt")
    assert "options of extractor.toml: batch.out (" in done.stderr
    done = invoke("batch", "collect", "trial.txt")
    assert "options of extractor.toml: batch.collect.rounds, batch.out (" in done.stderr


def test_options_at_the_top_are_for_commands_that_extract_alone(folder):
    write(folder, "min-confidence = 0.9\nout = 'results'\n")
    _, said = extract()
    assert "options of extractor.toml: min-confidence, out (" in said
    for words in (
        ("report", "results"),
        ("parse", "trial.txt"),
        ("export", "results", "-o", "t.csv", "--tables", "criteria"),
    ):
        done = invoke(*words)
        assert done.exit_code == 0
        assert TAKEN not in done.stderr


def test_nothing_is_said_without_a_file_or_with_one_that_is_for_others(folder):
    assert TAKEN not in extract()[1]
    write(folder, "[tool.ruff]\nline-length = 88\n", "pyproject.toml")
    assert TAKEN not in extract()[1]
    write(folder, "[tool.ruff\n", "pyproject.toml")
    assert TAKEN not in extract()[1]


def test_a_file_can_be_left_out(folder):
    write(folder, "tasks = 'endpoints'\n")
    every = {"eligibility", "endpoints"}
    assert read_tasks(extract("--no-config")[0]) == every
    assert read_tasks(extract(EXTRACTOR_CONFIG="none")[0]) == every
    assert read_tasks(extract("--config", "none")[0]) == every
    write(folder, "no TOML")
    assert read_tasks(extract("--no-config")[0]) == every


def test_another_file_can_be_named(folder):
    write(folder, "tasks = 'endpoints'\n")
    write(folder, "tasks = 'eligibility'\n", "mine.toml")
    assert read_tasks(extract("--config", "mine.toml")[0]) == {"eligibility"}
    printed, _ = extract(EXTRACTOR_CONFIG="mine.toml")
    assert read_tasks(printed) == {"eligibility"}
    _, said = extract("--config", "none.toml", code=2)
    assert "--config none.toml: there is no such file" in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("efort = 'all'", "efort: no such option or command in the top of the file (did you mean effort?)"),
        ("[run]\nout_dir = 'x'", "out_dir: no such option or command in [run]"),
        ("[runn]\nout = 'x'", "runn: no such option or command in the top of the file (did you mean run?)"),
        ("max_usd = 3", "max_usd: no such option or command in the top of the file (did you mean max-usd?)"),
        ("[batch.submitt]\nout = 'x'", "submitt: no such option or command in [batch] (did you mean submit?)"),
        ("host = 'h'", "host does not belong in the top of the file; write it in [serve]"),
        ("[run]\nhost = 'h'", "host does not belong in [run]; write it in [serve]"),
        ("run = 'x'", "run is a command; write [run]"),
        ("workers = 'four'", "workers is 'four'; write a whole number"),
        ("workers = true", "workers is True; write a whole number"),
        ("concurrency = 0", "concurrency: 0 is not allowed; choose a number of at least 1"),
        ("workers = 2.5", "workers is 2.5; write a whole number"),
        ("max-usd = '5'", "max-usd is '5'; write a number"),
        ("quiet = 'yes'", "quiet is 'yes'; write true or false"),
        ("out = 3", "out is 3; write a text"),
        ("tasks = [3]", "tasks is [3]; write a text"),
        ("tasks = {a = 1}", "tasks is {'a': 1}; write a text"),
        ("fields = 3", "fields is 3; write a list of texts"),
        ("effort = 'al'", "effort is 'al' (did you mean all?); choose from none, medium, all"),
        ("tasks = 'dosign'", "tasks: dosign: no such task (did you mean dosing?)"),
        ("min-confidence = 2", "min-confidence: 2.0 is not allowed; choose a number from 0 to 1"),
        ("[run]\nfresh = true", "fresh is for a single command; write it on the command line"),
        ("[run]\ndry-run = true", "dry-run is for a single command"),
        ("[export]\nforce = true", "force is for a single command"),
        ("a = ", "not TOML in UTF-8 ("),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_name_the_key_and_a_remedy(
    folder, text, problem
):
    write(folder, text)
    _, said = extract(code=2)
    assert f"extractor.toml: {problem}" in said
    assert said.count("\n") <= 2


SECRET = "sk-verysecret0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"api-key = '{SECRET}'",
        f"OPENAI_API_KEY = '{SECRET}'",
        f"[serve]\ntoken = '{SECRET}'",
        f"[run]\nmodel-option = ['api_key={SECRET}']",
        f"[run]\nmodel-option = ['x={SECRET}']",
        f"model = 'http://me:{SECRET}@host/v1#m'",
        f"[extra.deep]\npassword = '{SECRET}'",
        f"model-option = {{api_key = '{SECRET}'}}",
    ],
)
def test_a_key_is_refused_and_not_shown(folder, text):
    write(folder, text)
    _, said = extract("--config", "extractor.toml", code=2)
    assert "a key or password does not belong in a file of options" in said
    assert SECRET not in said


RISKY = [
    ("model = 'http://127.0.0.1:9/v1#m'", "model sends records to a model"),
    ("model = 'gpt-5-mini'", "model sends records to a model"),
    ("effort = 'all'", "effort may let your model cost more"),
    ("reasoning = 'low'", "reasoning may let your model cost more"),
    ("[run]\nreasoning = 'high'", "run.reasoning may let your model cost more"),
    ("fields = 'mine.py:Washout'", "fields runs Python code"),
    ("model-option = 'a=1'", "model-option changes what is sent"),
    ("prices = 'p.toml'", "prices changes what counts as spent"),
    ("[run]\nray = 'host:1'", "run.ray sends records to other machines"),
    ("[run]\nlog-json = 'log'", "run.log-json names a file that is written"),
    ("out = '../outside'", "out names ../outside, outside of this folder"),
    ("out = '/tmp/outside'", "out names /tmp/outside, outside of this folder"),
]


@pytest.mark.parametrize(("text", "problem"), RISKY)
def test_what_sends_spends_or_runs_code_is_refused_from_a_file_that_lies_there(
    folder, text, problem
):
    write(folder, text)
    for name in ("extractor.toml",):
        _, said = extract(code=2)
        assert f"{name}: {problem}" in said
        assert (
            "if the file is yours: extractor config trust; if not: --no-config" in said
        )
    assert sorted(path.name for path in folder.iterdir()) == [
        "extractor.toml",
        "trial.txt",
    ]
    extract("--no-config")


@pytest.mark.parametrize(
    "text",
    [
        "effort = 'none'",
        "effort = 'medium'",
        "reasoning = 'none'",
        "max-usd = 0",
        "max-usd = 1000",  # without it there is no limit
    ],
)
def test_what_cannot_cost_more_than_without_a_file_needs_no_trust(folder, text):
    write(folder, text)
    name = text.partition(" ")[0]
    said = extract("--model", "gpt-5-mini", "--dry-run")[1]
    assert f"{TAKEN}extractor.toml: {name} (" in said


def test_an_effort_of_the_command_line_is_the_user_s(folder):
    write(folder, "effort = 'all'\nreasoning = 'high'\n")
    extract(
        "--effort", "all", "--reasoning", "low", "--model", "gpt-5-mini", "--dry-run"
    )


def test_a_link_in_the_folder_that_leads_out_of_it_is_outside(folder, tmp_path):
    (folder / "results").symlink_to(tmp_path)
    write(folder, "out = 'results'\n")
    assert "outside of this folder" in extract(code=2)[1]


def test_a_risky_option_that_the_command_line_overrides_is_not_refused(folder):
    write(folder, "model = 'http://127.0.0.1:9/v1#m'\nout = '/tmp/x'\n")
    _, said = extract("--model", "gpt-5-mini", "--out", "r", "--dry-run")
    assert TAKEN not in said


def test_a_risky_option_of_another_command_is_not_refused(folder):
    write(folder, "[serve]\nhost = '0.0.0.0'\n[run]\ntasks = 'endpoints'\n")
    assert read_tasks(extract()[0]) == {"endpoints"}


def test_a_trusted_file_may_set_all_until_it_sets_something_else(folder):
    write(folder, "[run]\nlog-json = 'a.log'\ntasks = 'endpoints'\n")
    extract(code=2)

    done = invoke("config", "trust")

    assert done.exit_code == 0
    assert "extractor.toml is trusted, with run.log-json\n" in done.stderr
    assert "options of extractor.toml: run.log-json, run.tasks (" in extract()[1]
    # what needs no trust may change
    write(folder, "[run]\nlog-json = 'a.log'\ntasks = 'eligibility'\nquiet = true\n")
    extract()
    write(folder, "[run]\nlog-json = 'b.log'\ntasks = 'eligibility'\n")
    extract(code=2)
    write(folder, "model = 'http://127.0.0.1:9/v1#m'\n[run]\nlog-json = 'a.log'\n")
    extract(code=2)
    write(folder, "[run]\nlog-json = 'a.log'\n")
    extract()
    assert invoke("config", "trust", "--undo").exit_code == 0
    extract(code=2)


def test_trust_is_of_one_file_and_a_damaged_list_trusts_nothing(
    folder, tmp_path, monkeypatch
):
    write(folder, "[run]\nlog-json = 'a.log'\n")
    invoke("config", "trust")
    (trusted,) = (tmp_path / "settings").rglob("trusted.json")
    trusted.write_text("{", "utf-8")
    extract(code=2)
    invoke("config", "trust")
    extract()
    other = tmp_path / "other"
    other.mkdir()
    for name in ("extractor.toml", "trial.txt"):
        (other / name).write_bytes((folder / name).read_bytes())
    monkeypatch.chdir(other)
    extract(code=2)


def test_the_file_in_use_is_shown_with_what_needs_trust(folder):
    done = invoke("config")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no file of options is in use here" in done.stderr
    write(folder, "effort = 'none'\n[run]\nray = 'host:1'\n")
    lines = invoke("config").stdout.splitlines()
    assert lines == [
        "option\tvalue\tneeds trust",
        "effort\tnone\tno",
        "run.ray\thost:1\tsends records to other machines: not trusted",
    ]


def test_doctor_shows_the_file_in_use_and_what_is_wrong_with_it(folder):
    def examine(code):
        done = invoke("doctor", "--json")
        assert done.exit_code == code
        checks = {check["name"]: check for check in json.loads(done.stdout)}
        return checks["options file"]

    assert examine(0)["detail"] == ""
    write(folder, "effort = 'none'\n[run]\nout = 'results'\n")
    assert examine(0)["detail"] == "options of extractor.toml (effort, run.out)"
    assert "; options of extractor.toml (effort, run.out)" in invoke("doctor").stdout
    write(folder, "model = 'gpt-5-mini'\n")
    refused = examine(1)
    assert refused["detail"] == "extractor.toml sets model and is not trusted"
    assert "extractor config trust" in refused["remedy"]
    write(folder, "efort = 'all'\n")
    assert "did you mean effort?" in examine(1)["detail"]


def test_help_is_there_whatever_the_file_says(folder):
    write(folder, "no TOML")
    assert invoke("run", "--help").exit_code == 0
    assert invoke("-h").exit_code == 0


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = '" + b"x" * 2_000_000 + b"'"])
def test_a_file_that_is_no_text_or_too_large_is_refused(folder, content):
    (folder / "extractor.toml").write_bytes(content)
    assert "extractor.toml: " in extract(code=2)[1]


def test_a_hostile_project_sends_nothing(folder):
    """Every key that may decide where something goes is refused, also beside harmless ones."""
    write(
        folder,
        "[project]\nname = 'x'\n[tool.extractor]\neffort = 'none'\n"
        "model = 'http://attacker.example/v1#m'\n",
        "pyproject.toml",
    )
    for words in (
        ("run", "trial.txt"),
        ("mcp",),
        ("serve",),
        ("batch", "submit", "trial.txt", "-o", "b"),
    ):
        done = invoke(*words)
        assert done.exit_code == 2
        assert "pyproject.toml [tool.extractor]: model sends records" in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == [
        "pyproject.toml",
        "trial.txt",
    ]

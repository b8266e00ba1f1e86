"""The commands of callers' keys before any service runs: roots, names and days."""

from contextlib import closing

import pytest

from extractor.apps.serve.callers import CallerBook
from tests.commands import invoke

NOT_BEGUN = "no service has begun here"


def run_serve(*words, code=0):
    done = invoke("serve", *words)
    assert done.exit_code == code, done.output
    return done


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "list"),
        ("keys", "add", "anna"),
        ("keys", "renew", "anna"),
        ("keys", "limit", "anna", "--max-usd", "1"),
        ("keys", "revoke", "anna"),
        ("spent",),
        ("drain",),
    ],
)
def test_a_mistyped_root_is_refused_and_not_made(tmp_path, words):
    mistyped = tmp_path / "servcie"
    done = run_serve(*words, "--root", str(mistyped), code=2)
    assert (done.stdout, mistyped.exists()) == ("", False)
    assert f"{mistyped}: {NOT_BEGUN}" in done.stderr
    assert "--root or EXTRACTOR_ROOT" in done.stderr
    assert "keys add NAME --new" in done.stderr


def test_a_folder_or_a_file_that_is_no_root_is_refused_and_stays_as_it_is(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    file = tmp_path / "file"
    file.write_text("")
    for place in (folder, file):
        done = run_serve("keys", "list", "--root", str(place), code=2)
        assert NOT_BEGUN in done.stderr
    assert list(folder.iterdir()) == []


def test_the_environment_s_root_is_looked_at_in_the_same_way(tmp_path):
    done = invoke("serve", "keys", "list", EXTRACTOR_ROOT=str(tmp_path / "none"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert NOT_BEGUN in done.stderr


def test_the_first_key_may_come_before_the_first_start(tmp_path):
    root = ("--root", str(tmp_path / "service"))
    assert run_serve("keys", "add", "anna", "--new", *root).stdout.startswith("xk_")
    # a script may say it each time
    assert run_serve("keys", "add", "ben", "--new", *root).stdout.startswith("xk_")
    assert run_serve("keys", "add", "cleo", *root).stdout.startswith("xk_")
    listed = run_serve("keys", "list", *root).stdout.splitlines()
    assert [line.split("\t")[0] for line in listed] == ["name", "anna", "ben", "cleo"]
    assert run_serve("spent", *root).stdout == "0.0000\n"


def test_revoked_callers_are_listed_on_request(tmp_path):
    """A name may have been given to several holders, one after the other."""
    root = ("--root", str(tmp_path))
    with closing(CallerBook(tmp_path)) as book:
        book.add("anna", 60)
        book.revoke("anna")
        book.add("anna", 60)
        book.add("ben", 60, days=1)
        book._database.execute("UPDATE keys SET expires = made WHERE name = 'ben'")
    listed = {}
    for words in ((), ("--all",)):
        lines = run_serve("keys", "list", *words, *root).stdout.splitlines()
        cells = [line.split("\t") for line in lines]
        assert cells[0][4::3] == ["id", "key"]
        listed[words] = [row[4::3] for row in cells[1:]]
    valid = [["anna.2", "valid"], ["ben", "expired"]]
    assert listed == {(): valid, ("--all",): [["anna", "revoked"], *valid]}


def test_changes_of_keys_are_noted_once_with_who_made_them(tmp_path):
    """In a file of an earlier version, too, and without the keys."""
    root = ("--root", str(tmp_path))
    with closing(CallerBook(tmp_path)) as book:
        book._database.execute("DROP TABLE changes")
    secret = run_serve("keys", "add", "anna", "--max-usd", "2", *root).stdout.strip()
    run_serve("keys", "limit", "anna", "--max-usd", "5", *root)
    run_serve("keys", "renew", "anna", "--days", "1", *root)
    with closing(CallerBook(tmp_path, by="root")) as book:
        book.revoke("anna")
        changes = list(book.changes.take())
        assert list(book.changes.take()) == []
        with pytest.raises(ValueError, match="no such caller"):
            book.revoke("anna")
        assert list(book.changes.take()) == []
    assert [change["change"] for change in changes] == [
        "added",
        "limited",
        "renewed",
        "revoked",
    ]
    assert {change["caller"] for change in changes} == {"anna"}
    assert (changes[0]["max_usd"], changes[1]["max_usd"]) == (2, 5)
    assert (changes[0]["expires"], changes[0]["requests_per_minute"]) == (None, 600)
    assert changes[2]["expires"]
    assert changes[0]["by"]
    assert changes[3]["by"] == "root"
    assert secret not in str(changes)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("operator", "this is the caller with the service's own token"),
        ("-anna", "a name begins with a letter or a digit"),
        ("_anna", "a name begins with a letter or a digit"),
        ("", "a name has at least one character"),
        ("a" * 41, "a name has at most 40 characters"),
        ("Anna", "only lowercase letters from a to z"),
        ("zoë", "only lowercase letters from a to z"),
        ("anna smith", "only lowercase letters from a to z"),
        ("../anna", "only lowercase letters from a to z"),
        ("anna\n", "only lowercase letters from a to z"),
    ],
)
def test_a_name_is_refused_with_what_is_wrong_with_it(tmp_path, name, problem):
    with closing(CallerBook(tmp_path)) as book:
        with pytest.raises(ValueError, match=problem):
            book.add(name, 60)
        assert list(book) == []


@pytest.mark.parametrize("name", ["a", "a" * 40, "7up", "anna-2_b", "operators"])
def test_a_right_name_is_taken(tmp_path, name):
    with closing(CallerBook(tmp_path)) as book:
        assert book.find(book.add(name, 60)).name == name


@pytest.mark.parametrize("days", [0, -1, float("nan")])
def test_a_key_that_was_never_valid_is_refused(tmp_path, days):
    """0 days once gave a key that never expires."""
    with closing(CallerBook(tmp_path)) as book:
        with pytest.raises(ValueError, match="more than 0 days"):
            book.add("anna", 60, days)
        assert list(book) == []
        key = book.add("anna", 60, 1)
        with pytest.raises(ValueError, match="more than 0 days"):
            book.renew("anna", days)
        assert book.find(key).name == "anna"

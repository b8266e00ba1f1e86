"""The service matches its OpenAPI document: the examples, the page, and the requests of
schemathesis.
"""

import json
import re
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from extractor.apps.serve.problems import PROBLEMS, problem_type
from extractor.schemas import TrialExtraction
from tests.browser import Watch, list_violations, needs_browser, open_context
from tests.test_readme import contains

from .running import OPERATIONS, TOKEN, check_policy, finish, many, submit


@pytest.fixture(scope="module")
def described(served):
    with served.client_of(None) as client:
        return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def job_of_examples(served, described):
    content = described["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]
    job = submit(
        served.client,
        content["application/x-ndjson"]["example"].encode(),
        effort="none",
    )
    finish(served.client, job["id"])
    return job["id"]


def good_answer(described, method, path):
    answers = described["paths"][path][method.lower()]["responses"]
    return next(
        (int(status), answer)
        for status, answer in answers.items()
        if status.startswith("2")
    )


def resolve(described, schema):
    return {"components": described["components"]} | schema


def test_all_operations_are_described(described):
    operations = {
        (method.upper(), path)
        for path, item in described["paths"].items()
        for method in item
    }
    assert operations == set(OPERATIONS)
    assert described["openapi"].startswith("3.1")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_each_example_is_answered_as_is_shown(
    served, described, job_of_examples, method, path
):
    """Send each example of a body, or the plain request. The response matches the shown one and
    its schema.
    """
    operation = described["paths"][path][method.lower()]
    status, answer = good_answer(described, method, path)
    shown = [part for part in answer.get("content", {}).values() if "example" in part]
    assert shown or status == 204
    for part in shown:
        jsonschema.validate(part["example"], resolve(described, part["schema"]))

    if path.endswith(("/cancel", "/resume")) or method == "DELETE":
        url = start_job_for(served.client, path)
    else:
        url = path.replace("{job_id}", job_of_examples)

    for kind, body in list_bodies(operation):
        headers = {"content-type": kind} if kind else {}
        given = served.client.request(method, url, content=body, headers=headers)
        assert given.status_code == status, given.text
        if status != 204:
            check_answer(described, given, answer["content"], kind)
        if url.startswith("/v1/jobs/") and job_of_examples not in url:
            served.client.delete("/".join(url.split("/")[:4]))


def list_bodies(operation):
    """The example of each kind of body, or none for a request without a body."""
    contents = operation.get("requestBody", {}).get("content", {})
    bodies = [
        (kind, part["example"].encode())
        for kind, part in contents.items()
        if "example" in part
    ]
    return bodies or [(None, None)]


def start_job_for(client, path):
    """A job of its own, which the request at the path ends or resumes, in the path."""
    job = submit(client, many(100), effort="none")
    url = f"/v1/jobs/{job['id']}{path.partition('{job_id}')[2]}"
    if path.endswith("/resume"):
        client.post(url.replace("resume", "cancel"))
        finish(client, url.split("/")[3])
    return url


VOLATILE = {"id", "name", "bytes", "created", "started", "ended", "state", "effort"}
VOLATILE |= {"extracted", "failed", "usage", "reason"}


def move_source(shown, kind, sent):
    """Return the shown extraction as that of a body in JSON, whose text has another place: the
    body's digest names it, and it stands in a line of it.
    """
    if kind != "application/json" or "source" not in shown:
        return shown
    assert re.fullmatch(r"text-[0-9a-f]{8}", sent["source"]["path"])
    moved = {"path": sent["source"]["path"], "place": "line 1"}
    return shown | {"source": shown["source"] | moved}


def check_answer(described, given, content, sent_kind=None):
    kind = given.headers["content-type"].partition(";")[0]
    part = content[kind]
    if kind == "application/x-ndjson" and given.text:
        TrialExtraction.model_validate_json(given.text.splitlines()[0])
    if kind != "application/json":
        return
    shown = part["example"]
    sent = given.json()
    jsonschema.validate(sent, resolve(described, part["schema"]))
    if isinstance(shown, list):
        shown = shown[0]
        sent = sent[0]
    assert set(shown) <= set(sent)
    shown = move_source(shown, sent_kind, sent)
    lasting = {key: value for key, value in shown.items() if key not in VOLATILE}
    assert contains(sent, lasting)


def test_each_problem_is_shown_somewhere_and_all_share_one_schema(described):
    text = json.dumps(described["paths"])
    for kind in PROBLEMS:
        assert f'"{problem_type(kind)}"' in text, kind
    for item in described["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if status >= "400":
                    (part,) = answer["content"].values()
                    assert part["schema"] == {"$ref": "#/components/schemas/Problem"}
                    for example in part["examples"].values():
                        jsonschema.validate(
                            example["value"], resolve(described, part["schema"])
                        )


def test_the_documents_list_each_problem_with_its_status():
    text = Path("docs/reference/service.md").read_text("utf-8")
    for kind, (status, _) in PROBLEMS.items():
        assert re.search(rf"`{kind}`[^|]*\| {status}", text), kind


load_all_checks()
AVOIDED = {
    # Any bytes may be a record, and any text after Bearer a key, so a schema cannot exclude invalid
    # ones.
    "positive_data_acceptance",
    # It ignores that events end with their job, and that an unknown job has none.
    "ensure_resource_availability",
    "use_after_free",
}
EVERY_CHECK = [check for check in CHECKS.get_all() if check.__name__ not in AVOIDED]


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_schemathesis_finds_nothing(
    served, described, job_of_examples, method, path, mode
):
    if mode is GenerationMode.NEGATIVE and (method != "GET" or path not in WITH_QUERY):
        return  # only the body could be wrong, and it may be anything
    operation = schemathesis.openapi.from_dict(described)[path][method]

    @given(operation.as_strategy(generation_mode=mode), booleans())
    @settings(
        max_examples=5 if method == "POST" else 12,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def attack(case, known):
        if known and method == "GET" and "job_id" in case.path_parameters:
            case.path_parameters["job_id"] = job_of_examples
        assume(is_sent_whole(case))
        case.call_and_validate(
            base_url=served.url,
            headers={"Authorization": f"Bearer {TOKEN}"},
            checks=EVERY_CHECK,
        )

    attack()


def is_sent_whole(case):
    """Whether each parameter of the query stands in the address: an empty list leaves no trace, so
    an unknown parameter without a value is no fault that a server could see.
    """
    return all(value not in (None, [], {}, ()) for value in (case.query or {}).values())


WITH_QUERY = ("/v1/jobs", "/v1/jobs/{job_id}/results")


def test_the_index_says_what_this_is_and_where_to_look(anybody):
    index = anybody.get("/").json()
    assert (index["name"], index["version"]) == (
        "Extractor",
        version("trial-extractor"),
    )
    assert 404 not in {
        anybody.get(link).status_code for link in index["links"].values()
    }


def test_the_page_shows_every_operation_and_loads_nothing(anybody, described):
    answer = anybody.get("/docs")
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert f"<h2><code>{method.upper()} {path}</code></h2>" in answer.text
            assert operation["summary"] in answer.text
    assert not re.search(
        r"<(link|img|iframe|script [^>]*src)|@import|url\(", answer.text
    )
    check_policy(answer)


def test_the_page_shows_markdown_as_markup(anybody):
    page = anybody.get("/docs").text
    shown = page.partition("<script>")[0].partition("<main>")[2]
    assert "else the stem of <code>name</code>" in shown
    assert "`" not in shown


@pytest.fixture
def docs(chromium, served):
    """The page in a browser. Afterwards checks that no script failed, and that no other server
    was asked.
    """
    watch = Watch()
    context = open_context(chromium)
    page = context.new_page()
    watch.follow(page, lambda said: "401" in said)
    page.goto(f"{served.url}/docs")
    yield page
    assert list_violations(page) == []
    watch.check()
    assert all(address.startswith(served.url) for address in watch.requests)
    context.close()


def try_call(page, name, **given):
    """Send the call of an operation, and return its status line and its answer."""
    form = page.locator(
        f"form[data-method='{name.split()[0]}'][data-path='{name.split()[1]}']"
    )
    form.locator("xpath=..").evaluate("(details) => { details.open = true }")
    for field, value in given.items():
        form.locator(f"[name='{field}']").fill(value)
    form.get_by_role("button").click()
    page.wait_for_function(
        "(form) => !form.querySelector('button').disabled", arg=form.element_handle()
    )
    return form.get_by_role("status").inner_text(), form.locator("pre").inner_text()


@needs_browser
@pytest.mark.slow
def test_calls_can_be_tried_with_a_key(docs):
    status, answer = try_call(docs, "POST /v1/extractions", effort="none")
    assert status == "401 application/problem+json"
    assert "no-key" in answer
    docs.locator("#key").fill(TOKEN)
    status, answer = try_call(docs, "POST /v1/extractions", effort="none")
    assert status == "200 application/json"
    TrialExtraction.model_validate_json(answer)
    status, answer = try_call(docs, "POST /v1/jobs", effort="none")
    assert status.startswith("202")
    job = json.loads(answer)["id"]
    status, answer = try_call(docs, "GET /v1/jobs/{job_id}/events", job_id=job)
    assert status.startswith("200 text/event-stream")
    assert json.loads(answer.strip().rpartition("data: ")[2])["state"] == "done"
    status, answer = try_call(
        docs, "GET /v1/jobs/{job_id}/results", job_id=job, format="parquet"
    )
    assert re.fullmatch(r"200 application/vnd.apache.parquet, [\d,]+ bytes", status)
    assert try_call(docs, "DELETE /v1/jobs/{job_id}", job_id=job)[0].startswith("204")

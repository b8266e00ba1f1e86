"""What a browser is shown at the service's address. It needs no key, and nothing from elsewhere."""

import base64
import hashlib
import re
from importlib.metadata import version

import pytest


@pytest.fixture
def anybody(served):
    with served.client_of(None) as client:
        yield client


def test_the_index_says_what_this_is_and_where_to_look(anybody):
    index = anybody.get("/").json()
    assert (index["name"], index["version"]) == ("Extractor", version("trial-extractor"))
    assert 404 not in {anybody.get(link).status_code for link in index["links"].values()}


def test_the_page_shows_every_operation(anybody):
    page = anybody.get("/docs").text
    for path, methods in anybody.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            assert f"<h2><code>{method.upper()} {path}</code></h2>" in page
            assert operation["summary"] in page


def test_the_page_loads_nothing_and_its_own_style_may_be_used(anybody):
    answer = anybody.get("/docs")
    assert not re.search(r"<(link|img|iframe|script [^>]*src)|@import|url\(", answer.text)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    for element in ("style", "script"):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", answer.text, re.DOTALL)
        told = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{told}'" in policy

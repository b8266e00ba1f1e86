import pytest

from extractor.llm.spec import ModelKind, ModelSpec


@pytest.mark.parametrize(
    ("text", "kind", "name", "base_url"),
    [
        ("gpt-5-mini", ModelKind.HOSTED, "gpt-5-mini", None),
        (" gpt-5-mini ", ModelKind.HOSTED, "gpt-5-mini", None),
        ("ft:gpt-4o:org::8x", ModelKind.HOSTED, "ft:gpt-4o:org::8x", None),
        ("meta-llama/Llama-3.1-8B", ModelKind.HOSTED, "meta-llama/Llama-3.1-8B", None),
        ("http://localhost:11434/v1#qwen2.5:7b", ModelKind.SERVER, "qwen2.5:7b", "http://localhost:11434/v1"),
        ("https://models.example/v1/#org/name", ModelKind.SERVER, "org/name", "https://models.example/v1"),
        ("http://[::1]:8000/v1#m", ModelKind.SERVER, "m", "http://[::1]:8000/v1"),
    ],
)
def test_two_forms(text, kind, name, base_url):
    spec = ModelSpec.parse(text)
    assert (spec.kind, spec.name, spec.base_url) == (kind, name, base_url)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no model"),
        *((text, "start Ollama, llama-server or vLLM") for text in ("tiny.gguf", "local", "local:", "local:smollm2")),
        ("localhost:8000", "write http://localhost:8000/v1#NAME"),
        ("http://localhost:8000/v1", "append #NAME"),
        ("http://host:99999/v1#m", "is not a URL"),
        ("http://host/v1?key=abc#m", "must not contain"),
        *(
            (f"{first},http://b/v1#m", "'http://a/v1' is one of several servers; name one server")
            for first in ("http://a/v1#m", "http://a/v1", "http://a/v1#m, http://c/v1#m")
        ),
    ],
)
def test_nonsense_is_refused_with_a_remedy(text, message):
    with pytest.raises(ValueError, match=message):
        ModelSpec.parse(text)


@pytest.mark.parametrize("key", ["schlüssel-1234", "a-key\nof-two-lines", "“a-key-1234”"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(key):
    for text, name in (("gpt-x", "api_key"), ("http://host/v1#m", "server_key")):
        with pytest.raises(ValueError, match="the key has characters that no key has") as caught:
            ModelSpec.parse(text, **{name: key})
        assert key not in str(caught.value)


@pytest.mark.parametrize("secret", ["hunter2", "hunt,er2", "hunt@2", "hunt/2", "hunt#2", "hunt?2"])
def test_password_in_any_address_is_refused_and_not_shown(secret):
    url = f"http://me:{secret}@host/v1"
    for text, base_url in ((f"{url}#m", None), ("gpt-5-mini", url)):
        with pytest.raises(ValueError, match=r"model|address|URL") as caught:
            ModelSpec.parse(text, base_url=base_url)
        assert "hunt" not in str(caught.value)


def test_password_of_an_address_never_shows():
    spec = ModelSpec(ModelKind.SERVER, "m", "http://me:hunter2@host/v1")
    assert "hunter2" not in repr(spec) + str(spec)
    assert "***@host/v1" in repr(spec)


@pytest.mark.parametrize("text", ["gpt-5-mini", "http://localhost:8000/v1#m"])
def test_spec_reads_as_it_was_written(text):
    assert str(ModelSpec.parse(text)) == text


def test_hosted_key_stays_with_the_hosted_service():
    keys = {"api_key": "sk-hosted", "server_key": "server"}
    server = ModelSpec.parse("http://host/v1#m", **keys)
    assert server.api_key is not None
    assert server.api_key.get_secret_value() == "server"
    assert "sk-hosted" not in repr(ModelSpec.parse("gpt-5-mini", **keys))

"""Sources by name: what a request's text means, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_core.errors import InputError
from model_core.references.catalogue import (
    find_source,
    list_sources,
    open_imagery_source,
    open_street_view_source,
)
from model_core.references.http import HttpClient
from model_core.references.source import SourceContext, parse_source


def test_every_source_is_named_once_a_kind_and_says_what_it_is() -> None:
    sources = list_sources()
    assert len({(source.name, source.kind) for source in sources}) == len(sources)
    for source in sources:
        assert source.title
        assert source.terms.licence
        assert source.key in ("none", "optional", "required")
        assert source.key == "none" or source.key_help
        found = find_source(source.example or source.name, source.kind)
        assert found is not None
        assert found[0] is source


def test_what_forbids_storing_training_or_showing_gives_notice() -> None:
    strict = {source.name for source in list_sources() if not source.terms.displayable_beside_map}
    assert "google-street-view" in strict
    assert all(source.notice for source in list_sources() if source.name in strict)
    assert all(not source.terms.cacheable for source in list_sources() if source.name in strict)


def test_a_path_is_no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_source("/data/ortho.tif", "imagery") is None
    assert find_source("C:\\data\\views", "street_view") is None
    (tmp_path / "panoramax").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_source("panoramax", "street_view") is None
    assert find_source("mapillary", "street_view") is not None


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("panoramax", "imagery", "source of street views, not of imagery; give a file, or one of"),
        ("panoramax|colour=red", "street_view", "unknown option 'colour'; known: url"),
        ("panoramax|url", "street_view", "after each | an option is expected"),
        ("xyz|url=a|url=b", "imagery", "option 'url' stands there twice"),
    ],
)
def test_a_wrong_text_is_explained(text: str, kind: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        find_source(text, kind)  # type: ignore[arg-type]
    assert words in str(error.value)


def test_a_wrong_text_is_explained_without_the_key_in_it() -> None:
    with pytest.raises(InputError) as error:
        parse_source("xyz|url=https://tiles.example/{z}/{x}/{y}?key=s3cret|oops")
    assert "s3cret" not in str(error.value)


def test_values_may_hold_the_signs_of_the_grammar() -> None:
    text = parse_source("xyz|url=https://tiles.example/%7Bz%7D?a=1%7C2%25|max_zoom=19")
    assert text.options == {"url": "https://tiles.example/{z}?a=1|2%", "max_zoom": "19"}
    assert text.number("max_zoom", 20) == 19.0
    with pytest.raises(InputError, match=r"xyz: option url is .*; a number is expected"):
        text.number("url", 0)


def test_a_missing_key_and_a_missing_option_say_what_to_do() -> None:
    context = SourceContext(HttpClient(), {"mapillary": "  "})
    with pytest.raises(InputError, match="mapillary needs an API key of your own"):
        open_street_view_source("mapillary", context)
    with pytest.raises(InputError, match=r"say xyz\|url="):
        open_imagery_source("xyz", context)
    assert "token" not in repr(SourceContext(HttpClient(), {"mapillary": "token"}))

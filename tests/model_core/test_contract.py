"""The contract that both processes keep."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_core import contract, errors
from model_core.contract import ContractError, ErrorCode

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
objects = st.dictionaries(st.text(), plain, max_size=4)
ids = st.integers() | st.text()
messages = st.one_of(
    st.builds(contract.Request, st.text(), objects, ids),
    st.builds(contract.Notification, st.text(), objects),
    st.builds(contract.Response, ids, objects),
    st.builds(contract.Failure, ids | st.none(), st.integers(), st.text(), st.text()),
)


@given(messages)
def test_message_survives_the_wire_on_one_line(message: contract.Message) -> None:
    line = contract.encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert contract.decode(line) == message


def test_message_that_the_other_side_would_refuse_is_not_written() -> None:
    most = contract.MAX_LINE_BYTES
    empty = len(contract.encode(contract.Response(1, {"text": ""}))) - len(b"\n")
    fits = contract.Response(1, {"text": "x" * (most - empty)})
    assert contract.decode(contract.encode(fits).rstrip(b"\n")) == fits
    with pytest.raises(ContractError, match="ask for less at once"):
        contract.encode(contract.Response(1, {"text": "x" * (most - empty + 1)}))


@given(st.binary(max_size=60))
def test_no_line_of_bytes_does_worse_than_an_error_of_the_contract(line: bytes) -> None:
    try:
        contract.decode(line)
        code = None
    except ContractError as error:
        code = error.code
    assert code in (None, ErrorCode.PARSE_ERROR, ErrorCode.INVALID_REQUEST)


def error_classes(root: type[errors.GeolocatorError]) -> list[type[errors.GeolocatorError]]:
    return [root, *(found for kind in root.__subclasses__() for found in error_classes(kind))]


def test_codes_mirror_the_errors_of_the_engine() -> None:
    engine = {
        kind.code: kind.__name__
        for kind in error_classes(errors.GeolocatorError)
        if kind.__module__ == errors.__name__
    }
    of_json_rpc = {-32700, -32600, -32601, -32602, -32603}
    assert engine == {int(c): c.kind for c in ErrorCode if int(c) not in of_json_rpc}


BODIES = [
    contract.LocateParams(("/p/a.jpg", "/p"), "11.0,55.0,11.1,55.1"),
    contract.LocateParams(
        photos=("/a.jpg",),
        area="/area.gpkg",
        imagery="/i.tif",
        roads="/r.gpkg",
        street_views=("/s", "/t.csv"),
        gallery="/g",
        bundle="/b",
        out="/o",
        truth="/truth.csv",
        config={"search": {"top_k": 5}},
    ),
    contract.BuildGalleryParams("1,2,3,4", "/g", imagery="/i.tif"),
    contract.InfoParams(device="cpu"),
    contract.CancelParams("seven"),
    contract.ProgressParams(1, "references", 3, 0, "reading"),
    contract.LocateResult(
        (contract.PhotoAnswer("/a.jpg", notes=("no date",)),), {"heat": "/o/heat.tif"}, "1 of 1"
    ),
    contract.LocateResult(()),
    contract.BuildGalleryResult("/g"),
    contract.InfoResult(device="cpu", bundle={"preset": "default"}),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_body_survives_the_wire(body: contract.Body) -> None:
    wired = json.loads(json.dumps(body.to_json()))
    assert type(body).from_json(wired) == body


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "an object is expected"),
        ({"area": "1,2,3,4"}, "'photos' is missing"),
        ({"photos": [], "area": "1,2,3,4"}, "'photos' must not be empty"),
        ({"photos": "/a.jpg", "area": "1,2,3,4"}, "'photos' must be a list of strings"),
        ({"photos": ["/a.jpg"], "area": "  "}, "'area' must not be empty"),
        ({"photos": ["/a.jpg"], "area": [1, 2]}, "'area' must be a string"),
        ({"photos": ["/a.jpg"], "area": "x", "imagery": ""}, "'imagery' must be a string"),
        ({"photos": ["/a.jpg"], "area": "x", "config": []}, "'config' must be an object"),
        ({"photos": ["/a.jpg"], "area": "x", "image": "y"}, "unknown key 'image'; known: photos"),
    ],
)
def test_wrong_request_is_refused_in_words(values: Any, words: str) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        contract.LocateParams.from_json(values)
    assert caught.value.code == ErrorCode.INVALID_PARAMS


@pytest.mark.parametrize("wrong", [True, 1.5, None, []])
def test_id_is_a_string_or_a_whole_number(wrong: Any) -> None:
    with pytest.raises(ContractError, match="'id' must be"):
        contract.CancelParams.from_json({"id": wrong})


def test_newer_engine_may_say_more() -> None:
    said = {**contract.InfoResult(device="cpu").to_json(), "gpu_temperature": 61}
    assert contract.InfoResult.from_json(said) == contract.InfoResult(device="cpu")


def test_absent_values_are_left_out_of_the_request() -> None:
    assert "imagery" not in contract.LocateParams(("/a.jpg",), "1,2,3,4").to_json()


def test_bodies_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        contract.LocateParams(("/a.jpg",), "1,2,3,4").area = "other"  # type: ignore[misc]


def test_value_that_is_no_json_is_refused() -> None:
    with pytest.raises(ContractError, match="cannot be written as JSON"):
        contract.encode(contract.Response(1, {"value": float("inf")}))


def bodies(kind: type[contract.Body]) -> list[type[contract.Body]]:
    return [kind, *(found for below in kind.__subclasses__() for found in bodies(below))]


def test_every_field_of_a_message_is_checked_and_can_be_given() -> None:
    for kind in bodies(contract.Body):
        for field in dataclasses.fields(kind):
            alone = dataclasses.make_dataclass(
                f"Only{field.name}", [(field.name, field.type)], bases=(contract.Body,), frozen=True
            )
            with pytest.raises(ContractError):
                alone.from_json({field.name: {3}})
    params = {"photo": "/a", "out": "/b", "lon": 1, "lat": 2, "decimals": 3}
    assert contract.ExportPhotoParams.from_json(params).decimals == 3

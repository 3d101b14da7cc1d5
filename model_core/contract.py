"""What the QGIS plugin and the engine say to each other: JSON-RPC 2.0, one message a line, UTF-8.

Both processes import this file, so it needs the standard library only and keeps to Python 3.9.
Requests are checked strictly (an unknown key is an error that lists the known ones); results are
read leniently, so that a newer engine may say more to an older plugin.

    plugin -> engine   locate, build_gallery, info    answered one at a time, in order
                       cancel, shutdown               answered at once
    engine -> plugin   progress                       notifications, about ten a second at most
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, TypeVar

PROTOCOL_VERSION = 1
MAX_LINE_BYTES = 64 * 1024 * 1024

LOCATE = "locate"
BUILD_GALLERY = "build_gallery"
INFO = "info"
CANCEL = "cancel"
SHUTDOWN = "shutdown"
METHODS = (LOCATE, BUILD_GALLERY, INFO, CANCEL, SHUTDOWN)
PROGRESS = "progress"


class ErrorCode(IntEnum):
    """Every code an error response may carry; the engine's own mirror ``model_core.errors``."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    CANCELLED = -32800
    GEOLOCATOR_ERROR = -32000
    INPUT_ERROR = -32010
    PHOTO_ERROR = -32011
    AREA_ERROR = -32012
    IMAGERY_ERROR = -32013
    STREET_VIEW_ERROR = -32014
    CONFIG_ERROR = -32015
    PROVIDER_ERROR = -32020
    BUNDLE_ERROR = -32030
    GALLERY_ERROR = -32031
    SHAPE_ERROR = -32040
    DEVICE_ERROR = -32041

    @property
    def kind(self) -> str:
        """The name sent as ``data.kind``: ``PHOTO_ERROR`` -> ``PhotoError``."""
        return "".join(word.capitalize() for word in self.name.split("_"))


class ContractError(ValueError):
    """A message that does not keep to the contract.

    ``code`` is the JSON-RPC code to answer with, ``request_id`` the request's, where it could
    still be read.
    """

    def __init__(
        self,
        message: str,
        code: ErrorCode = ErrorCode.INVALID_PARAMS,
        request_id: int | str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id


class Message:
    """One line of the protocol: a request, a notification, a response or an error."""


@dataclass(frozen=True)
class Request(Message):
    """A call that will be answered once, by a Response or a Failure of the same ``request_id``."""

    method: str
    params: Mapping[str, Any]
    request_id: int | str


@dataclass(frozen=True)
class Notification(Message):
    """A call that is not answered."""

    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Response(Message):
    """The result of one request."""

    request_id: int | str
    result: Mapping[str, Any]


@dataclass(frozen=True)
class Failure(Message):
    """The error of one request; ``request_id`` is None where the request could not be read."""

    request_id: int | str | None
    code: int
    message: str
    kind: str


def failure(error: ContractError, request_id: int | str | None = None) -> Failure:
    """Return the answer to a message that broke the contract."""
    answered = error.request_id if request_id is None else request_id
    return Failure(answered, int(error.code), str(error), error.code.kind)


def encode(message: Message) -> bytes:
    """Return one message as a line of UTF-8 that ends in a newline.

    File names that are no valid Unicode come through unharmed, escaped.

    Raises:
        ContractError: A value is not plain JSON (NaN included).
    """
    body: dict[str, Any] = {"jsonrpc": "2.0"}
    if isinstance(message, Request):
        body.update(id=message.request_id, method=message.method, params=dict(message.params))
    elif isinstance(message, Notification):
        body.update(method=message.method, params=dict(message.params))
    elif isinstance(message, Response):
        body.update(id=message.request_id, result=dict(message.result))
    elif isinstance(message, Failure):
        error = {"code": message.code, "message": message.message, "data": {"kind": message.kind}}
        body.update(id=message.request_id, error=error)
    else:
        raise ContractError(f"no message of the contract: {type(message).__name__}")
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        try:
            return text.encode("utf-8") + b"\n"
        except UnicodeEncodeError:
            text = json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
            return text.encode("ascii") + b"\n"
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"the message cannot be written as JSON: {error}", ErrorCode.INTERNAL_ERROR
        ) from error


def decode(line: bytes) -> Message:
    """Return the message that one line holds.

    Args:
        line: The line's bytes, with or without the newline.

    Raises:
        ContractError: Not JSON (``PARSE_ERROR``) or not a message of JSON-RPC 2.0
            (``INVALID_REQUEST``).
    """
    if len(line) > MAX_LINE_BYTES:
        raise ContractError(
            f"the line is longer than {MAX_LINE_BYTES} bytes", ErrorCode.PARSE_ERROR
        )
    try:
        body = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ContractError(
            f"the line is not JSON in UTF-8: {error}", ErrorCode.PARSE_ERROR
        ) from error
    if not isinstance(body, dict):
        raise _invalid("a message is one JSON object a line; batches are not spoken", None)
    request_id = body.get("id")
    if isinstance(request_id, bool) or not isinstance(request_id, (int, str, type(None))):
        raise _invalid("'id' must be a string or a whole number", None)
    if body.get("jsonrpc") != "2.0":
        raise _invalid("'jsonrpc' must be \"2.0\"", request_id)
    if "method" in body:
        return _decode_call(body, request_id)
    if "error" in body:
        return _decode_failure(body["error"], request_id)
    if "result" not in body or request_id is None:
        raise _invalid("a message needs 'method', or an 'id' with 'result' or 'error'", request_id)
    if not isinstance(body["result"], dict):
        raise _invalid("'result' must be an object", request_id)
    return Response(request_id, body["result"])


def _decode_call(body: dict[str, Any], request_id: int | str | None) -> Message:
    params = body.get("params", {})
    if not isinstance(body["method"], str):
        raise _invalid("'method' must be a string", request_id)
    if not isinstance(params, dict):
        raise _invalid("'params' must be an object", request_id)
    if "id" not in body:
        return Notification(body["method"], params)
    if request_id is None:
        raise _invalid("'id' must not be null in a request", None)
    return Request(body["method"], params, request_id)


def _decode_failure(error: object, request_id: int | str | None) -> Failure:
    fields = error if isinstance(error, dict) else {}
    code, message = fields.get("code"), fields.get("message")
    if not isinstance(code, int) or not isinstance(message, str):
        raise _invalid("'error' needs a whole 'code' and a 'message'", request_id)
    data = fields.get("data")
    kind = data.get("kind") if isinstance(data, dict) else None
    return Failure(request_id, code, message, kind if isinstance(kind, str) else "")


def _invalid(message: str, request_id: int | str | None) -> ContractError:
    return ContractError(message, ErrorCode.INVALID_REQUEST, request_id)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


BodyT = TypeVar("BodyT", bound="Body")


@dataclass(frozen=True)
class Body:
    """The fields of one kind of params or result; their annotations are what is checked.

    A field without a default must be there and must not be empty. None is left out on the wire.
    """

    strict: ClassVar[bool] = False

    @classmethod
    def from_json(cls: type[BodyT], values: object) -> BodyT:
        """Return the body that a message's ``params`` or ``result`` holds.

        Raises:
            ContractError: A key is missing or of the wrong type, or, in a request, unknown.
        """
        if not isinstance(values, Mapping):
            raise ContractError(f"{cls.__name__}: an object is expected, {_found(values)}")
        known = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(str(key) for key in values if key not in known)
        if unknown and cls.strict:
            raise ContractError(
                f"{cls.__name__}: unknown key {unknown[0]!r}; known: {', '.join(known)}"
            )
        return cls(**{f.name: _read(cls, f, values) for f in known.values() if _given(f, values)})

    def to_json(self) -> dict[str, Any]:
        """Return the body as plain values."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: _plain(value) for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Params(Body):
    """What a request asks: a key that is not known is refused, since it would be ignored."""

    strict: ClassVar[bool] = True


def _required(f: dataclasses.Field[Any]) -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING


def _given(f: dataclasses.Field[Any], values: Mapping[str, Any]) -> bool:
    return _required(f) or f.name in values


def _read(kind: type[Body], f: dataclasses.Field[Any], values: Mapping[str, Any]) -> Any:
    where = f"{kind.__name__}: '{f.name}'"
    if f.name not in values:
        raise ContractError(f"{where} is missing")
    value = values[f.name]
    if f.type == "tuple[PhotoAnswer, ...]" and isinstance(value, list):
        return tuple(PhotoAnswer.from_json(item) for item in value)
    expected, fits = _TYPES[str(f.type)]
    if not fits(value):
        raise ContractError(f"{where} must be {expected}, {_found(value)}")
    if _required(f) and (value in ("", [], ()) or (isinstance(value, str) and not value.strip())):
        raise ContractError(f"{where} must not be empty")
    return tuple(value) if isinstance(value, list) else value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_optional_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and bool(value.strip()))


def _is_text_list(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(i, str) and i for i in value)


def _is_text_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(i, str) for i in value.values())


_TYPES: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "str": ("a string", lambda value: isinstance(value, str)),
    "str | None": ("a string", _is_optional_text),
    "int": ("a whole number", _is_whole),
    "int | str": (
        "a string or a whole number",
        lambda value: _is_whole(value) or isinstance(value, str),
    ),
    "float": ("a number", lambda value: _is_whole(value) or isinstance(value, float)),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "tuple[str, ...]": ("a list of strings", _is_text_list),
    "tuple[PhotoAnswer, ...]": ("a list of photos", lambda value: False),
    "Mapping[str, Any]": ("an object", lambda value: isinstance(value, Mapping)),
    "Mapping[str, str]": ("an object of strings", _is_text_mapping),
}


def _found(value: object) -> str:
    return f"not {json.dumps(value, default=str)[:60]}"


def _plain(value: Any) -> Any:
    if isinstance(value, Body):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def is_bounds(area: str) -> bool:
    """Return whether an area is written as four numbers, west,south,east,north."""
    try:
        return len([float(part) for part in area.split(",")]) == 4
    except ValueError:
        return False


@dataclass(frozen=True)
class LocateParams(Params):
    """What ``locate`` is asked: photos (files or folders), an area, and local sources.

    ``area`` is "west,south,east,north" in degrees or a vector file; every path is absolute, since
    the two processes have different working directories. ``config`` overrides the run's options
    by name, nested as in ``model_core.config.LocateConfig``.
    """

    photos: tuple[str, ...]
    area: str
    imagery: str | None = None
    roads: str | None = None
    street_views: tuple[str, ...] = ()
    gallery: str | None = None
    bundle: str | None = None
    out: str | None = None
    truth: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BuildGalleryParams(Params):
    """What ``build_gallery`` is asked: the area and its sources; ``out`` is the gallery's folder.

    A build that was stopped goes on where it stopped when it is asked for again.
    """

    area: str
    out: str
    imagery: str | None = None
    roads: str | None = None
    street_views: tuple[str, ...] = ()
    bundle: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class InfoParams(Params):
    """What ``info`` is asked about: a model bundle (None: the packaged one) and a device."""

    bundle: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class CancelParams(Params):
    """Which request to stop, running or waiting."""

    id: int | str


@dataclass(frozen=True)
class ProgressParams(Body):
    """One step of the request ``id``: ``done`` of ``total`` in ``stage``, a line for people.

    ``total`` is 0 where it is not known.
    """

    id: int | str
    stage: str
    done: int
    total: int
    message: str = ""


@dataclass(frozen=True)
class PhotoAnswer(Body):
    """What was found for one photo; ``error`` is set, and no candidate there, where it failed.

    ``candidates`` is a GeoJSON FeatureCollection of points, best first; the properties are named
    as the columns of the ``candidates`` layer. ``error_code`` is an ``ErrorCode``, 0 without one.
    """

    path: str
    photo_sha256: str = ""
    candidates: Mapping[str, Any] = field(default_factory=dict)
    probability_elsewhere: float = 1.0
    not_in_area: bool = True
    notes: tuple[str, ...] = ()
    error: str = ""
    error_code: int = 0


@dataclass(frozen=True)
class LocateResult(Body):
    """The answers in the order of the photos, the files written, and what was assumed.

    ``files`` maps ``candidates``, ``heat``, ``map_picture``, ``page``, ``results`` to paths; empty
    where no output folder was asked for. ``provenance`` holds ``model_hash``, ``software_version``
    and ``created_at`` (ISO 8601); a photo's own sha256 stands in its answer.
    """

    photos: tuple[PhotoAnswer, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BuildGalleryResult(Body):
    """The gallery's folder."""

    gallery: str


@dataclass(frozen=True)
class InfoResult(Body):
    """The engine's versions, its device and its model.

    ``device`` is "cuda:0", "mps" or "cpu", ``device_name`` the hardware's own name. ``bundle``
    holds path, model_hash, preset and backbone; where it cannot be read it is empty and
    ``bundle_error`` says why.
    """

    protocol_version: int = PROTOCOL_VERSION
    software_version: str = ""
    python_version: str = ""
    platform: str = ""
    device: str = ""
    device_name: str = ""
    bundle: Mapping[str, str] = field(default_factory=dict)
    bundle_error: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)

"""The lines of the protocol: JSON-RPC 2.0, one message a line, UTF-8."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

PROTOCOL_VERSION = 3
MAX_LINE_BYTES = 64 * 1024 * 1024

LOCATE = "locate"
BUILD_GALLERY = "build_gallery"
ESTIMATE = "estimate"
FETCH = "fetch"
SOURCES = "sources"
INSPECT_PHOTOS = "inspect_photos"
COMPARE = "compare"
EXPORT_PHOTO = "export_photo"
INFO = "info"
CANCEL = "cancel"
SHUTDOWN = "shutdown"
METHODS = (
    LOCATE,
    BUILD_GALLERY,
    ESTIMATE,
    FETCH,
    SOURCES,
    INSPECT_PHOTOS,
    COMPARE,
    EXPORT_PHOTO,
    INFO,
    CANCEL,
    SHUTDOWN,
)
PROGRESS = "progress"
ANSWER = "answer"


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
        ContractError: A value is not plain JSON (NaN included), or the line grows longer than the
            other side reads.
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
            line = text.encode("utf-8")
        except UnicodeEncodeError:
            text = json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
            line = text.encode("ascii")
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"the message cannot be written as JSON: {error}", ErrorCode.INTERNAL_ERROR
        ) from error
    if len(line) > MAX_LINE_BYTES:
        raise ContractError(
            f"the message has {len(line)} bytes, more than the {MAX_LINE_BYTES} of a line; "
            "ask for less at once",
            ErrorCode.INTERNAL_ERROR,
        )
    return line + b"\n"


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

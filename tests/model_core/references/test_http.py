"""The one door to the network, against servers on loopback that misbehave as real ones do."""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trustme
from PIL import Image
from servers.base import (
    BAD_GZIP,
    EMPTY,
    FORBIDDEN,
    HALF,
    HTML,
    LATE,
    PATIENCE_S,
    RESET,
    SERVER_ERROR,
    TRUNCATED,
    WRONG_TYPE,
    Answer,
    LoopbackServer,
    Recorded,
    delay,
    drip,
    oversize,
    random_faults,
    rate_limit,
)

from model_core.config import NetworkConfig
from model_core.errors import Cancelled, InputError, ProviderError
from model_core.references.bodies import image_body
from model_core.references.http import HttpClient, hosts
from model_core.references.web import HttpRequest, NetworkAccess
from model_core.types import SourceTerms

OPEN = SourceTerms("Test Tiles")
FORBIDDING = SourceTerms("Strict Tiles", cacheable=False)
KEY = "sk-very-secret-0123456789"
TRANSIENT = {
    "truncated": TRUNCATED,
    "half": HALF,
    "web page": HTML,
    "empty": EMPTY,
    "wrong type": WRONG_TYPE,
    "cannot be unpacked": BAD_GZIP,
    "HTTP 500": SERVER_ERROR,
    "rate limit": rate_limit(),
    "reset": RESET,
    "slow": LATE,
}


def picture(seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    return stream.getvalue()


class Pictures(LoopbackServer):
    """Answers ``/N`` with picture N, and nothing elsewhere."""

    def answer(self, request: Recorded) -> Answer:
        name = request.path.strip("/")
        if not name.isdigit():
            return Answer(status=404)
        return Answer(picture(int(name)), content_type="image/png")


@pytest.fixture
def server(serve: Callable[[Any], Any]) -> Pictures:
    return serve(Pictures())


def ask(server: LoopbackServer, name: object = 1, **changes: Any) -> HttpRequest:
    return HttpRequest(f"{server.url}/{name}", check=image_body, **changes)


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_passing_fault_is_tried_again_and_leaves_nothing_corrupt(
    server: Pictures, make_client: Any, tmp_path: Path, name: str
) -> None:
    client = make_client(tmp_path, read_timeout_s=PATIENCE_S)
    server.fail(TRANSIENT[name])
    reply = client.get(ask(server), OPEN)
    assert reply.body == picture(1)
    assert len(server.requests) == 2
    assert client.count.failures.total() == 1
    server.forget()
    assert make_client(tmp_path).get(ask(server), OPEN).body == picture(1)
    assert server.requests == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (SERVER_ERROR, "HTTP 500"),
        (HTML, "web page"),
        (TRUNCATED, "broke off"),
        (HALF, "without its end"),
        (WRONG_TYPE, "something else than an image"),
    ],
)
def test_a_lasting_fault_ends_in_one_error_that_names_source_and_address(
    server: Pictures, make_client: Any, tmp_path: Path, fault: Any, words: str
) -> None:
    client = make_client(tmp_path, retries=2)
    server.fail(fault, times=3)
    with pytest.raises(ProviderError, match=words) as error:
        client.get(ask(server), OPEN)
    assert "Test Tiles" in str(error.value)
    assert f"{server.url}/1" in str(error.value)
    assert len(server.requests) == 3
    assert list(tmp_path.rglob("*.reply")) == []
    with pytest.raises(ProviderError, match=words):
        client.get(ask(server), OPEN)
    assert len(server.requests) == 3


def test_what_will_not_help_is_not_tried_again(server: Pictures, make_client: Any) -> None:
    server.fail(FORBIDDEN)
    with pytest.raises(ProviderError, match=r"HTTP 403 \(no access\); check the key"):
        make_client().get(ask(server), OPEN)
    assert len(server.requests) == 1


def test_absent_is_no_fault_and_remembered(
    server: Pictures, make_client: Any, tmp_path: Path
) -> None:
    assert make_client(tmp_path).get(ask(server, "none"), OPEN) is None
    assert make_client(tmp_path).get(ask(server, "none"), OPEN) is None
    assert len(server.requests) == 1


def test_what_was_absent_is_asked_for_again_another_day(
    server: Pictures, make_client: Any, tmp_path: Path
) -> None:
    assert make_client(tmp_path).get(ask(server, "none"), OPEN) is None
    tomorrow = HttpClient(NetworkConfig(), NetworkAccess(cache_folder=tmp_path), clock=_tomorrow)
    assert tomorrow.get(ask(server, "none"), OPEN) is None
    assert len(server.requests) == 2


def test_what_is_asked_for_each_time_is_so_where_it_was_absent(
    server: Pictures, make_client: Any, tmp_path: Path
) -> None:
    for _ in range(2):
        assert make_client(tmp_path).get(ask(server, "none"), OPEN, 0.0) is None
    assert len(server.requests) == 2


def _tomorrow() -> float:
    return time.time() + 86_401.0


def test_what_cannot_be_kept_on_disk_is_asked_for_once_all_the_same(
    server: Pictures, make_client: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    client = make_client(tmp_path / "file" / "cache")
    for number in (1, 2, 1, 2):
        assert client.get(ask(server, number), OPEN).body == picture(number)
    assert len(server.requests) == 2


def test_a_host_that_refuses_everything_is_not_asked_for_each_tile(
    server: Pictures, make_client: Any
) -> None:
    client = make_client()
    server.choose_fault = lambda request: FORBIDDEN
    found = client.map(lambda n: client.get(ask(server, n), OPEN), range(400))
    assert all("HTTP 403 (no access); check the key" in str(one) for one in found)
    assert f"{server.url}/399" in str(found[-1])
    assert str(found[-1]).count("Test Tiles") == 1
    assert hosts.REFUSED_AFTER_TRIES <= len(server.requests) < 100


def test_refusals_between_answers_are_those_of_single_tiles(
    server: Pictures, make_client: Any
) -> None:
    client = make_client()
    client.get(ask(server, 1000), OPEN)
    server.choose_fault = lambda request: FORBIDDEN if int(request.path[1:]) < 200 else None
    found = client.map(lambda n: client.get(ask(server, n), OPEN), range(202))
    assert sum(isinstance(one, ProviderError) for one in found) == 200
    assert found[-1].body == picture(201)


def test_a_long_pause_that_a_host_asks_for_is_kept_by_all_requests(
    server: Pictures, make_client: Any
) -> None:
    client = make_client(connections=1)
    server.choose_fault = lambda request: rate_limit("3600")
    found = client.map(lambda n: client.get(ask(server, n), OPEN), range(40))
    assert all("HTTP 429" in str(one) for one in found)
    assert len(server.requests) == 1


def test_retry_after_is_honoured_by_every_request_to_the_host(
    server: Pictures, make_client: Any
) -> None:
    client = make_client()
    server.fail(rate_limit("1"))
    began = time.monotonic()
    client.map(lambda n: client.get(ask(server, n), OPEN), range(4))
    first = min(one.at for one in server.requests)
    again = sorted(one.at for one in server.requests)[-1]
    assert time.monotonic() - began >= 1.0
    assert again - first >= 1.0


def test_too_long_a_wait_is_an_error_at_once(server: Pictures, make_client: Any) -> None:
    server.fail(rate_limit("3600"))
    began = time.monotonic()
    with pytest.raises(ProviderError, match="HTTP 429"):
        make_client().get(ask(server), OPEN)
    assert time.monotonic() - began < 1.0


def test_a_host_that_never_answers_is_soon_left_alone(make_client: Any) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(400)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        client = make_client(read_timeout_s=0.2)
        told: list[tuple[int, int]] = []
        asked = [HttpRequest(f"http://{address}/{n}", check=image_body) for n in range(60)]
        found = client.map(lambda one: client.get(one, OPEN), asked, lambda *n: told.append(n))
    assert all(isinstance(one, ProviderError) for one in found)
    assert client.count.requests < 30
    assert f"{address} has not answered" in str(found[-1])
    assert told[-1] == (60, 60)


def test_a_host_left_alone_is_tried_again_after_a_while(
    server: Pictures, make_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "QUIET_S", 0.5)
    client = make_client(retries=0)
    server.choose_fault = lambda request: RESET
    client.map(lambda n: client.get(ask(server, n), OPEN), range(40))
    assert len(server.requests) < 20
    server.choose_fault = None
    with pytest.raises(ProviderError, match="has not answered"):
        client.get(ask(server, 41), OPEN)
    time.sleep(0.5)
    for number in (41, 42):
        assert client.get(ask(server, number), OPEN).body == picture(number)


def test_an_answer_of_any_kind_is_no_silence(server: Pictures, make_client: Any) -> None:
    client = make_client(retries=0, connections=1)
    server.choose_fault = lambda request: SERVER_ERROR if request.path[-1] in "05" else RESET
    found = client.map(lambda n: client.get(ask(server, n), OPEN), range(40))
    assert len(server.requests) == len(found) == 40


def test_oversized_replies_are_cut_off(server: Pictures, make_client: Any) -> None:
    server.fail(oversize(5_000_000))
    with pytest.raises(ProviderError, match="more than 1 MB"):
        make_client(max_body_bytes=1_000_000).get(ask(server), OPEN)


@pytest.mark.parametrize("fault", [delay(20.0), drip(20.0), rate_limit("30")])
def test_cancel_is_heard_within_a_second_whatever_the_server_does(
    server: Pictures, make_client: Any, fault: Any
) -> None:
    cancelled = threading.Event()
    client = make_client(cancel=cancelled.is_set, read_timeout_s=30.0)
    server.fail(fault)
    threading.Timer(0.3, cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        client.get(ask(server), OPEN)
    assert time.monotonic() - began < 1.3


def test_no_more_connections_than_allowed(serve: Any, make_client: Any) -> None:
    server = serve(Pictures(latency_s=0.05))
    client = make_client(connections=3)
    done: list[tuple[int, int]] = []
    replies = client.map(
        lambda n: client.get(ask(server, n), OPEN), range(18), lambda *n: done.append(n)
    )
    assert [reply.body for reply in replies] == [picture(n) for n in range(18)]
    assert server.most_at_once == 3
    assert done[-1] == (18, 18)


def test_requests_a_second_are_limited(server: Pictures, make_client: Any) -> None:
    client = make_client(requests_per_second=20.0)
    start = time.monotonic()
    client.map(lambda n: client.get(ask(server, n), OPEN), range(10))
    assert len(server.requests) == 10
    assert time.monotonic() - start >= 9 / 20 * 0.9


def test_each_address_is_fetched_once_a_run_however_many_ask(serve: Any, make_client: Any) -> None:
    server = serve(Pictures(latency_s=0.05))
    client = make_client()
    client.map(lambda n: client.get(ask(server, n % 2), OPEN), range(20))
    assert len(server.requests) == 2
    assert client.count.from_cache == 18


def test_one_failure_costs_its_item_alone(server: Pictures, make_client: Any) -> None:
    client = make_client(retries=0)
    server.fail(SERVER_ERROR, matching="/3")
    found = client.map(lambda n: client.get(ask(server, n), OPEN), range(6))
    assert [isinstance(one, ProviderError) for one in found] == [n == 3 for n in range(6)]


def test_what_must_not_be_kept_stays_in_memory(
    server: Pictures, make_client: Any, tmp_path: Path
) -> None:
    client = make_client(tmp_path)
    for _ in range(2):
        assert client.get(ask(server), FORBIDDING).body == picture(1)
    assert len(server.requests) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_old_replies_are_asked_for_again(
    server: Pictures, make_client: Any, tmp_path: Path
) -> None:
    make_client(tmp_path).get(ask(server), OPEN)
    make_client(tmp_path).get(ask(server), OPEN, 3600.0)
    assert len(server.requests) == 1
    make_client(tmp_path).get(ask(server), OPEN, 0.0)
    assert len(server.requests) == 2


def test_offline_makes_no_request_and_takes_what_is_kept_whatever_its_age(
    server: Pictures, make_client: Any, tmp_path: Path
) -> None:
    make_client(tmp_path).get(ask(server), OPEN)
    server.forget()
    client = make_client(tmp_path, offline=True)
    assert client.get(ask(server), OPEN, 0.0).body == picture(1)
    with pytest.raises(ProviderError, match="offline"):
        client.get(ask(server, 2), OPEN)
    assert server.requests == []


def test_limits_end_the_run_in_words(server: Pictures, make_client: Any) -> None:
    client = make_client(max_requests=3)
    with pytest.raises(InputError, match="limit of 3 requests"):
        client.map(lambda n: client.get(ask(server, n), OPEN), range(9))
    assert client.count.requests == 3
    assert len(server.requests) <= 3


def test_keys_are_sent_and_seen_nowhere(
    server: Pictures, make_client: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    client = make_client(tmp_path, retries=0)
    request = ask(
        server,
        secret_params=(("key", KEY),),
        secret_headers=(("Authorization", f"OAuth {KEY}"),),
    )
    client.get(request, OPEN)
    (sent,) = server.requests
    assert sent.query["key"] == KEY
    assert sent.headers["Authorization"] == f"OAuth {KEY}"
    server.fail(RESET)
    with pytest.raises(ProviderError) as error:
        client.get(ask(server, 2, secret_params=(("key", KEY),)), OPEN)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    logged = "\n".join(record.getMessage() for record in caplog.records)
    for text in (str(error.value), repr(request), repr(error.value), request.key, logged):
        assert KEY not in text
    assert KEY.encode() not in kept
    assert not [path for path in tmp_path.rglob("*") if KEY in str(path)]


def test_two_keys_share_what_they_fetched(
    server: Pictures, make_client: Any, tmp_path: Path
) -> None:
    for key in (KEY, "another-key-of-someone"):
        client = make_client(tmp_path)
        assert client.get(ask(server, secret_params=(("key", key),)), OPEN).body == picture(1)
    assert len(server.requests) == 1


def test_contact_stands_in_the_user_agent(server: Pictures) -> None:
    client = HttpClient(NetworkConfig(), NetworkAccess(contact="maps@example.org"))
    client.get(ask(server), OPEN)
    agent = server.requests[0].headers["User-Agent"]
    assert agent.startswith("csi-geolocator/")
    assert "maps@example.org" in agent


def test_a_proxy_is_used_and_its_password_hidden(server: Pictures) -> None:
    proxy = f"http://me:{KEY}@{server.url.removeprefix('http://')}"
    access = NetworkAccess(proxy=proxy)
    client = HttpClient(NetworkConfig(retries=0), access)
    assert client.get(HttpRequest("http://tiles.invalid/1", check=image_body), OPEN) is not None
    assert server.requests[0].headers["Host"] == "tiles.invalid"
    server.fail(HTML)
    with pytest.raises(ProviderError) as error:
        client.get(HttpRequest("http://tiles.invalid/2", check=image_body), OPEN)
    assert KEY not in f"{error.value!r} {access!r}"


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_an_address_that_goes_without_the_proxy_is_asked_itself(
    server: Pictures, serve: Any, scheme: str
) -> None:
    proxy = serve(Pictures())
    host = server.url.removeprefix("http://")
    access = NetworkAccess(proxy=proxy.url, no_proxy=(f"{scheme}{host}/maps",))
    client = HttpClient(NetworkConfig(retries=0), access)
    assert client.get(ask(server), OPEN) is not None
    assert client.get(HttpRequest("http://tiles.invalid/1", check=image_body), OPEN) is not None
    assert len(server.requests) == len(proxy.requests) == 1


def test_certificates_of_an_organisation_are_trusted_when_they_are_named(
    serve: Any, tmp_path: Path
) -> None:
    authority = trustme.CA()
    server = serve(Pictures())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    address = server.url.replace("http:", "https:")
    request = HttpRequest(f"{address}/1", check=image_body)
    with pytest.raises(ProviderError, match="certificate that is not trusted"):
        HttpClient(NetworkConfig(retries=0)).get(request, OPEN)
    bundle = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(bundle)
    client = HttpClient(NetworkConfig(retries=0), NetworkAccess(ca_bundle=bundle))
    assert client.get(request, OPEN).body == picture(1)
    bundle.write_text("no certificate")
    client = HttpClient(NetworkConfig(retries=0), NetworkAccess(ca_bundle=bundle))
    with pytest.raises(InputError, match=r"company\.pem"):
        client.get(request, OPEN)


def test_a_third_of_replies_failing_in_ten_ways_corrupts_nothing_and_is_counted(
    server: Pictures, make_client: Any, tmp_path: Path
) -> None:
    server.choose_fault = random_faults(0.3, list(TRANSIENT.values()), seed=3)
    client = make_client(tmp_path, read_timeout_s=PATIENCE_S, retries=2)
    found = client.map(lambda n: client.get(ask(server, n), OPEN), range(120))
    failed = [n for n, one in enumerate(found) if isinstance(one, ProviderError)]
    for number, one in enumerate(found):
        assert number in failed or one.body == picture(number)
    assert len(failed) < 12
    assert client.count.requests == len(server.requests)
    assert client.count.failures.total() == client.count.requests - (120 - len(failed))
    assert len(client.count.failures) >= 7
    server.choose_fault = None
    server.forget()
    again = make_client(tmp_path)
    found = again.map(lambda n: again.get(ask(server, n), OPEN), range(120))
    assert [one.body for one in found] == [picture(n) for n in range(120)]
    assert sorted(int(one.path.strip("/")) for one in server.requests) == failed

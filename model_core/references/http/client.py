"""The HTTP client: one a run, handed to every source.

A request waits for its host's turn, is tried again with back-off and jitter or as long as the
server asks for, and its reply is checked before anyone sees it or a cache keeps it. Work goes
through daemon threads, so that a cancel is heard within a fraction of a second whatever a server
does. Keys are no part of what names a request, so they reach no cache, log or message.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import requests
import urllib3
from urllib3.util.retry import Retry

from model_core.config import NetworkConfig
from model_core.errors import Cancelled, InputError, ProviderError
from model_core.references.cache import DiskCache, Reply
from model_core.references.http.failures import check_part, failure, refusal
from model_core.references.http.hosts import LONGEST_WAIT_S, NO_ANSWER, Host
from model_core.references.http.lending import LENDING, answered, resolver_restored, trusted
from model_core.references.http.session import open_session, proxy_secrets
from model_core.references.web import HttpRequest, NetworkAccess, TrafficCount
from model_core.references.workers import Done, Work
from model_core.types import CancelCheck, SourceTerms, never_cancelled

log = logging.getLogger(__name__)

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

ABSENT = frozenset({204, 404})
ABSENT_EXPIRES_S = 86_400.0
"""What is not there may be tomorrow: a file that is still being uploaded, a new tile."""
"""Statuses that say, without fault, that nothing is there."""

MEMORY_LIMIT_BYTES = 512 << 20
"""Replies that no disk keeps: Google's images of some 2,000 standpoints, as 4 km2 of a city have.

What falls out is asked for, and paid for, again.
"""

_POLL_S = 0.1
_CHUNK_BYTES = 1 << 16
_SLOWEST_BYTES_S = 10_000
_SHORTEST_SECRET = 4
_HIDDEN = "***"


Send = Callable[[HttpRequest], Reply]


class HttpClient:
    """Fetches what sources ask for; safe to use from several threads.

    Args:
        config: Limits and patience.
        access: Proxy, certificates, cache, caps.
        cancel: Asked all the time; a True ends every wait with ``Cancelled``.
        clock: Seconds since 1970, for ages in the cache.
    """

    def __init__(
        self,
        config: NetworkConfig | None = None,
        access: NetworkAccess | None = None,
        cancel: CancelCheck = never_cancelled,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config or NetworkConfig()
        self.access = access or NetworkAccess()
        self.count = TrafficCount()
        self.cache = (
            None
            if self.access.cache_folder is None
            else DiskCache(self.access.cache_folder, self.access.cache_max_bytes, clock)
        )
        self._cancel = cancel
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}
        self._memory: OrderedDict[str, Reply] = OrderedDict()
        self._memory_bytes = 0
        self._in_flight: dict[str, threading.Lock] = {}
        self._failed: dict[tuple[str, str], ProviderError] = {}
        self._secrets: set[str] = set(proxy_secrets(self.access.proxy))
        self._worker = threading.local()
        self._session: requests.Session | None = None

    def get(
        self, request: HttpRequest, terms: SourceTerms, expires_s: float | None = None
    ) -> Reply | None:
        """Return the reply to a request, None where the server has nothing there.

        Args:
            request: What to ask.
            terms: Of the source: they decide whether the reply may be kept on disk.
            expires_s: Age from which a kept reply is asked for again; None never.

        Raises:
            ProviderError: The source failed, or nothing is kept and the run is offline.
            InputError: The run's limit of requests or bytes is reached.
            Cancelled: The user asked to stop.
        """
        reply = self._obtain(request, terms, expires_s, lambda: self._fetch(request, terms))
        return None if reply.status in ABSENT else reply

    def make(
        self,
        request: HttpRequest,
        terms: SourceTerms,
        make: Callable[[], bytes],
        expires_s: float | None = None,
    ) -> Reply:
        """Return what was made of other replies: kept, under the name of a request, or made now.

        Raises:
            ProviderError: As ``make``, which may call ``get``.
            Cancelled: The user asked to stop.
        """
        return self._obtain(request, terms, expires_s, lambda: Reply(200, make()))

    def lend(
        self,
        request: HttpRequest,
        terms: SourceTerms,
        work: Callable[[Mapping[str, Any]], bytes],
        expires_s: float | None = None,
    ) -> Reply:
        """Return what a library makes that asks the network itself, by ``requests``.

        It is tried again, counted, checked and kept as a reply is. One library works at a time.

        Args:
            request: Its name stands for what is made; ``check`` judges every body that arrives.
            terms: Of the source.
            work: Called with the arguments that the library has to hand to ``requests``.
            expires_s: Age from which what is kept is made again; None never.

        Raises:
            ProviderError: As ``get``.
            InputError: As ``get``.
            Cancelled: The user asked to stop.
        """

        def send(one: HttpRequest) -> Reply:
            return self._send_lent(one, work)

        return self._obtain(request, terms, expires_s, lambda: self._fetch(request, terms, send))

    def map(
        self,
        function: Callable[[ItemT], ResultT],
        items: Sequence[ItemT],
        done: Done | None = None,
    ) -> list[ResultT | ProviderError]:
        """Return what a function that asks this client gives for each item, in order, or its error.

        Args:
            function: Called in threads; may call ``get``.
            items: As many as wanted; hosts' limits hold across all of them.
            done: Told how many of how many are done.

        Raises:
            Cancelled: The user asked to stop; what is under way ends by itself, unseen.
            Exception: Any other error of ``function``, the first one.
        """
        if not items:
            return []
        work = Work(function, items, self._worker)
        work.start(4 * max(1, self.config.connections))
        told = -1
        while not work.wait(_POLL_S):
            if self._cancel():
                work.stop()
                raise Cancelled("stopped while references were being fetched")
            if done is not None and work.finished != told:
                told = work.finished
                done(told, len(items))
        if self._cancel():
            raise Cancelled("stopped while references were being fetched")
        if work.error is not None:
            raise work.error
        if done is not None:
            done(len(items), len(items))
        return [work.results[index] for index in range(len(items))]

    def is_cancelled(self) -> bool:
        """Return whether the user asked to stop."""
        return self._cancel()

    def is_kept(self, request: HttpRequest, terms: SourceTerms) -> bool:
        """Return whether the reply to a request is here already; it is not read."""
        with self._lock:
            if request.key in self._memory:
                return True
        return self.cache is not None and terms.cacheable and self.cache.has(request.key)

    def kept(
        self, request: HttpRequest, terms: SourceTerms, expires_s: float | None = None
    ) -> Reply | None:
        """Return the reply to a request where it is here already; nothing is asked."""
        return self._kept(request.key, terms, expires_s)

    def redact(self, text: str) -> str:
        """Return a text without any secret that this client was given."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            for form in {secret, quote(secret, safe=""), quote(secret)}:
                text = text.replace(form, _HIDDEN)
        return text

    def _obtain(
        self,
        request: HttpRequest,
        terms: SourceTerms,
        expires_s: float | None,
        produce: Callable[[], Reply],
    ) -> Reply:
        """Return what is kept or else produced, from within one of this client's threads."""
        if getattr(self._worker, "is_one", False):
            return self._kept_or_produced(request.key, terms, expires_s, produce)
        (found,) = self.map(
            lambda key: self._kept_or_produced(key, terms, expires_s, produce), [request.key]
        )
        if isinstance(found, ProviderError):
            raise found
        return found

    def _kept_or_produced(
        self, key: str, terms: SourceTerms, expires_s: float | None, produce: Callable[[], Reply]
    ) -> Reply:
        with self._alone(key):
            reply = self._kept(key, terms, expires_s)
            if reply is None:
                reply = produce()
                self._keep(key, reply, terms)
            else:
                with self._lock:
                    self.count.from_cache += 1
        return reply

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Let one thread at a time fetch a reply; the others then find it kept."""
        with self._lock:
            turn = self._in_flight.setdefault(key, threading.Lock())
        try:
            with turn:
                yield
        finally:
            with self._lock:
                self._in_flight.pop(key, None)

    def _kept(self, key: str, terms: SourceTerms, expires_s: float | None) -> Reply | None:
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                return self._memory[key]
        if self.cache is None or not terms.cacheable:
            return None
        stored = self.cache.get(key)
        if stored is None:
            return None
        if stored.reply.status in ABSENT:
            expires_s = min(ABSENT_EXPIRES_S, math.inf if expires_s is None else expires_s)
        is_fresh = expires_s is None or stored.age_s <= expires_s
        return stored.reply if is_fresh or self.access.offline else None

    def _keep(self, key: str, reply: Reply, terms: SourceTerms) -> None:
        if self.cache is not None and terms.cacheable and self.cache.put(key, reply):
            return
        with self._lock:
            self._memory[key] = reply
            self._memory_bytes += len(reply.body)
            while self._memory_bytes > MEMORY_LIMIT_BYTES and len(self._memory) > 1:
                _, dropped = self._memory.popitem(last=False)
                self._memory_bytes -= len(dropped.body)

    def _fetch(self, request: HttpRequest, terms: SourceTerms, send: Send | None = None) -> Reply:
        """Return a reply from the network; what failed before in this run fails at once."""
        asked = (request.key, request.url)
        with self._lock:
            known = self._failed.get(asked)
        if known is not None:
            raise known
        try:
            return self._fetch_patiently(request, terms.provider, send or self._send)
        except ProviderError as err:
            if err.reason != NO_ANSWER:
                with self._lock:
                    self._failed[asked] = err
            raise

    def _fetch_patiently(self, request: HttpRequest, provider: str, send: Send) -> Reply:
        """Return a checked reply from the network, tried again where that may help."""
        if self.access.offline:
            raise ProviderError(
                f"{provider}: {request.label} is not in the cache and this run is offline; "
                "fetch the area first, or go online",
                reason="offline",
            )
        with self._lock:
            self._secrets.update(one for one in request.secrets() if len(one) >= _SHORTEST_SECRET)
        policy = Retry(
            total=self.config.retries,
            backoff_factor=self.config.backoff_s,
            backoff_max=self.config.backoff_max_s,
            backoff_jitter=self.config.backoff_s / 2,
        )
        while True:
            try:
                return self._once(request, send)
            except ProviderError as err:
                with self._lock:
                    self.count.failures[err.reason] += 1
                message = self.redact(f"{provider}: {request.label}: {request.hide(str(err))}")
                failed = ProviderError(message, reason=err.reason, transient=err.transient)
                if not err.transient or (err.retry_after_s or 0.0) > LONGEST_WAIT_S:
                    self._host(request.host).refused(err, time.monotonic())
                    raise failed from None
                try:
                    policy = policy.increment(request.method, request.label)
                except urllib3.exceptions.MaxRetryError:
                    raise failed from None
                wait_s = policy.get_backoff_time()
                if err.retry_after_s is not None:
                    wait_s = max(wait_s, err.retry_after_s)
                    self._host(request.host).pause_until(time.monotonic() + err.retry_after_s)
                self._pause(wait_s)

    def _once(self, request: HttpRequest, send: Send) -> Reply:
        host = self._host(request.host)
        while not host.slots.acquire(timeout=_POLL_S):
            self._stop_if_cancelled()
        try:
            host.check(time.monotonic())
            self._pause(host.take_turn(time.monotonic()) - time.monotonic())
            reply = send(request)
            host.served()
            return reply
        except requests.RequestException as err:
            failed = failure(err)
            if failed.transient:
                host.unanswered(time.monotonic())
            raise failed from err
        except urllib3.exceptions.HTTPError as err:
            raise failure(err) from err
        finally:
            host.slots.release()

    def _send(self, request: HttpRequest) -> Reply:
        self._count_request()
        with self._open_session().request(
            request.method,
            request.url,
            params=[*request.params, *request.secret_params],
            headers=dict((*request.headers, *request.secret_headers)),
            data=request.body or None,
            timeout=(self.config.connect_timeout_s, self.config.read_timeout_s),
            stream=True,
        ) as response:
            self._host(request.host).answered()
            body = self._read_body(response.raw, request.max_bytes or self.config.max_body_bytes)
            if response.status_code in ABSENT:
                return Reply(response.status_code, b"")
            if response.status_code >= 400:
                raise refusal(request, response, body)
            check_part(response.headers.get("Content-Range", ""), body)
            request.check(body)
            return Reply(
                response.status_code,
                body,
                response.headers.get("Content-Type", ""),
                response.headers.get("Content-Range", ""),
            )

    def _send_lent(self, request: HttpRequest, work: Callable[[Mapping[str, Any]], bytes]) -> Reply:
        """Return what a library makes with arguments that put it under this client's rules."""
        session = self._open_session()

        def leave(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
            self._stop_if_cancelled()
            self._count_request()
            prepared.headers["User-Agent"] = str(session.headers["User-Agent"])
            prepared.headers.pop("Referer", None)
            return prepared

        def arrive(response: requests.Response, **_: Any) -> requests.Response:
            self._host(request.host).answered()
            if response.is_redirect:
                return response
            with response:
                body = self._read_body(response.raw, self.config.max_body_bytes)
            if response.status_code >= 400:
                raise refusal(request, response, body)
            request.check(body)
            return answered(response, body)

        with LENDING, resolver_restored(), trusted(self.access.ca_bundle) as verify:
            arguments = {
                "auth": leave,
                "hooks": {"response": arrive},
                "proxies": dict(session.proxies),
                "stream": True,
                "verify": verify,
            }
            return Reply(200, work(arguments))

    def _read_body(self, raw: urllib3.HTTPResponse, limit: int) -> bytes:
        began = time.monotonic()
        body = bytearray()
        while chunk := raw.read1(_CHUNK_BYTES, decode_content=True):
            self._stop_if_cancelled()
            body += chunk
            self._count_bytes(len(chunk))
            if len(body) > limit:
                raise ProviderError(
                    f"sent more than {limit / 1e6:.0f} MB in one reply", reason="too large"
                )
            patience_s = 3 * self.config.read_timeout_s + len(body) / _SLOWEST_BYTES_S
            if time.monotonic() - began > patience_s:
                raise ProviderError("sends too slowly", reason="too slow", transient=True)
        return bytes(body)

    def _open_session(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                self._session = open_session(self.config, self.access)
            return self._session

    def _host(self, name: str) -> Host:
        with self._lock:
            return self._hosts.setdefault(name, Host(name, self.config))

    def _count_request(self) -> None:
        with self._lock:
            limit = self.access.max_requests
            if limit and self.count.requests >= limit:
                raise InputError(
                    f"the limit of {limit} requests is reached; raise it, or make the area smaller"
                )
            self.count.requests += 1

    def _count_bytes(self, number: int) -> None:
        with self._lock:
            self.count.bytes += number
            limit = self.access.max_bytes
            if limit and self.count.bytes > limit:
                raise InputError(
                    f"the limit of {limit / 1e6:.0f} MB is reached; raise it, or make the area "
                    "smaller"
                )

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._stop_if_cancelled()
            time.sleep(min(left, _POLL_S))

    def _stop_if_cancelled(self) -> None:
        if self._cancel():
            raise Cancelled("stopped while references were being fetched")

"""Rate limiter and circuit breaker for the embedding endpoint, shared by all workers.

Its state is one hash in Valkey per endpoint. Every change is one script, so it is atomic, and uses
Valkey's clock, because the workers' clocks differ. While Valkey is down the gate is open.
"""

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Literal, TypedDict

import structlog
from django.conf import settings
from redis import ConnectionError as RedisConnectionError
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

SOCKET_SECONDS = 1
AWAY_SECONDS = 5  # between tries to reach a Valkey that is down
PROBE = "Is anybody there?"
PROBE_SECONDS = 5  # timeout of a probe
SHORT_SECONDS = 2  # the caller waits for a hold up to this itself
FIRST_HOLD_SECONDS, LONGEST_HOLD_SECONDS = 1, 60  # after a 429 without a Retry-After

# Fields, all in milliseconds: hold_until; limited_since: the first 429 since a success;
# requests_at, tokens_at: when the operator's limits allow the next request (GCRA);
# failures: in a row; open_until: set while the breaker is open, in the past while half open;
# probe_until: when the present probe times out.
_PRELUDE = """
local key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function arguments()
    local found = {}
    for i, value in ipairs(ARGV) do found[i] = tonumber(value) end
    return unpack(found)
end
local function get(field) return tonumber(redis.call('HGET', key, field) or 0) end
local function set(field, value)
    redis.call('HSET', key, field, string.format('%.0f', value))
    redis.call('PEXPIRE', key, 86400000)
end
local function forget(...) redis.call('HDEL', key, ...) end
"""
_ENTER = """
local request_cost, token_cost, longest, probe = arguments()
local held = get('hold_until') - now
if held > 0 then return {'wait', held, now} end
local opened = get('open_until')
if opened > now then return {'down', opened - now, now} end
if opened > 0 then
    local probing = get('probe_until') - now
    if probing > 0 then return {'down', math.min(probing, 1000), now} end
    set('probe_until', now + probe)
    return {'probe', 0, now}
end
local requests, tokens = get('requests_at'), get('tokens_at')
local wait = 0
if request_cost ~= 0 then wait = math.max(wait, requests - now) end
if token_cost ~= 0 then wait = math.max(wait, tokens - now) end
if longest >= 0 and wait > longest then return {'wait', wait, now} end
if request_cost > 0 then set('requests_at', math.max(requests, now) + request_cost) end
if token_cost > 0 then set('tokens_at', math.max(tokens, now) + token_cost) end
return {'go', wait, now}
"""
_ANSWERED = """
forget('failures', 'open_until', 'probe_until')
if arguments() >= get('limited_since') then forget('limited_since') end
return 0
"""
_UNCHARGED = -1  # as a cost: heed the limit, but use up nothing
# Without a Retry-After the hold is as long as the endpoint has been limiting us: it doubles.
_LIMITED = """
local asked, first, longest, jitter = arguments()
forget('failures', 'open_until', 'probe_until')
local since = get('limited_since')
if since == 0 then since = now; set('limited_since', now) end
local hold = asked
if hold == 0 then hold = math.max(first, math.min(longest, now - since)) * jitter end
set('hold_until', math.max(get('hold_until'), now + hold))
return get('hold_until') - now
"""
_FAILED = """
local threshold, probe = arguments()
local failures = redis.call('HINCRBY', key, 'failures', 1)
local opened = get('open_until')
if opened > 0 then return math.max(opened - now, 1000) end
if failures < threshold then return 0 end
set('open_until', now)
set('probe_until', now + probe)
return -1
"""
_PROBE_FAILED = """
set('open_until', now + arguments())
forget('probe_until')
return 0
"""
_STATE = """
local held, opened = get('hold_until') - now, get('open_until')
return {opened > 0 and 1 or 0, math.max(opened - now, 0), math.max(held, 0)}
"""


class State(TypedDict):
    open: bool  # the breaker: no requests are sent
    until: float  # seconds until the next probe
    hold: float  # seconds until the rate limit allows requests


@dataclass(frozen=True)
class Entry:
    verdict: Literal["go", "wait", "down", "probe"]
    seconds: float = 0  # "go": send after so long; "wait", "down": ask again after so long
    began: int = 0  # Valkey's time, to be passed to `answered`


def enter(*, tokens: int, paid: bool, urgent: bool, endpoint: str = "") -> Entry:
    """May a request be sent now? It is charged to the operator's limits unless it is `paid`.

    An `urgent` request is charged too, but does not wait, because a person does. "probe" means that
    the caller must find out whether the endpoint is up, and report it. `endpoint` is its address,
    by default EMBEDDING_BASE_URL, here and below.
    """
    request_cost = 0 if paid else _milliseconds_each(settings.EMBEDDING_REQUESTS_PER_MINUTE)
    token_cost = 0 if paid else tokens * _milliseconds_each(settings.EMBEDDING_TOKENS_PER_MINUTE)
    longest = -1 if urgent else SHORT_SECONDS * 1000
    entry = _enter(endpoint, request_cost, token_cost, longest)
    return replace(entry, seconds=0) if urgent and entry.verdict == "go" else entry


def look(*, endpoint: str = "") -> Entry:
    """The same for whoever sends no request but wants to know: nothing is charged."""
    limits = (settings.EMBEDDING_REQUESTS_PER_MINUTE, settings.EMBEDDING_TOKENS_PER_MINUTE)
    requests, tokens = (_UNCHARGED if limit else 0 for limit in limits)
    return _enter(endpoint, requests, tokens, SHORT_SECONDS * 1000)


def _enter(endpoint: str, request_cost: float, token_cost: float, longest: float) -> Entry:
    found = _run(endpoint, _ENTER, request_cost, token_cost, longest, _lease())
    if found is None:
        return Entry("go")
    verdict, wait, began = found
    return Entry(verdict.decode(), wait / 1000, began)


def answered(began: int, *, endpoint: str = "") -> None:
    """The endpoint is up. If the request began after the last 429, it no longer limits us."""
    _run(endpoint, _ANSWERED, began)


def limited(retry_after: float | None, *, endpoint: str = "") -> float:
    """The endpoint sent a 429. Returns the seconds to hold off."""
    jitter = random.uniform(0.75, 1.25)  # noqa: S311 - no secret
    first, longest = FIRST_HOLD_SECONDS * 1000, LONGEST_HOLD_SECONDS * 1000
    found = _run(endpoint, _LIMITED, (retry_after or 0) * 1000, first, longest, jitter)
    if found is None:
        return retry_after or random.uniform(5, 30)  # noqa: S311
    return float(found / 1000)


def failed(*, endpoint: str = "") -> Literal["closed", "probe"] | float:
    """The endpoint could not be reached. Returns "closed" if the breaker stays closed, "probe" if
    the caller must probe, or the number of seconds for which it is open."""
    found = _run(endpoint, _FAILED, settings.EMBEDDING_BREAKER_FAILURES, _lease())
    if not found:
        return "closed"
    return "probe" if found < 0 else found / 1000


def probe_failed(*, endpoint: str = "") -> float:
    """Open the breaker; returns for how many seconds."""
    seconds: float = settings.EMBEDDING_BREAKER_SECONDS
    _run(endpoint, _PROBE_FAILED, seconds * 1000)
    return seconds


def state(*, endpoint: str = "") -> State:
    """The present state; all clear while Valkey is down."""
    opened, until, hold = _run(endpoint, _STATE) or (0, 0, 0)
    return {"open": bool(opened), "until": until / 1000, "hold": hold / 1000}


def reset() -> None:
    """Forget everything. Raises RedisError."""
    _valkey().delete(_key())
    _Away.until = 0


def _milliseconds_each(per_minute: int) -> float:
    return 60_000 / per_minute if per_minute else 0


def _lease() -> int:
    return (PROBE_SECONDS + 1) * 1000


def _key(endpoint: str = "") -> str:
    url = endpoint or settings.EMBEDDING_BASE_URL
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    return f"notebook:embedding:{name}"


@lru_cache(maxsize=1)
def _valkey() -> "Redis":
    # One retry, for an idle connection that died; none for a timeout.
    retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        retry=retry,
    )


@cache
def _script(body: str) -> Any:
    return _valkey().register_script(_PRELUDE + body)


def _run(endpoint: str, body: str, *arguments: float) -> Any:
    """The script's result; None while Valkey is down."""
    return _safely(lambda: _script(body)(keys=[_key(endpoint)], args=list(arguments)))


class _Away:
    until = 0.0  # time.monotonic
    told = False


def _safely(ask: Callable[[], Any]) -> Any:
    if time.monotonic() < _Away.until:
        return None
    try:
        found = ask()
    except RedisError as error:
        _Away.until = time.monotonic() + AWAY_SECONDS
        if not _Away.told:
            log.warning("embedding_gate_stands_open", error=type(error).__name__)
        _Away.told = True
        return None
    _Away.told = False
    return found

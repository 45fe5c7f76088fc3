"""Locks out names that are tried from many addresses; axes itself counts pairs of both."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt, AccessLog
from django.db.models import Sum
from django.http import HttpRequest

# Once so many addresses have used up their tries, or as many tries were made, a name is locked.
MOST_ADDRESSES = 10
PREFIX_OF_ONE = 64  # bits of an IPv6 address; its owner can choose the rest


class AttemptHandler(AxesDatabaseHandler):
    """Also counts tries for a name from everywhere, because many addresses may belong together."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """The number that axes compares with AXES_FAILURE_LIMIT."""
        from_here: int = super().get_failures(request, credentials)
        name = get_client_username(request, credentials)
        if AccessLog.objects.filter(username=name, ip_address=request.axes_ip_address).exists():
            return from_here  # others must not lock a user out where they have signed in
        since = get_cool_off_threshold(request)
        tried = AccessAttempt.objects.filter(username=name, attempt_time__gte=since)
        everywhere = tried.aggregate(count=Sum("failures_since_start"))["count"] or 0
        return max(from_here, everywhere // MOST_ADDRESSES)


def address_of(request: HttpRequest) -> str | None:
    """Where an attempt came from: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None  # a Unix socket
    found = getattr(address, "ipv4_mapped", None) or address
    return str(found) if isinstance(found, IPv4Address) else _network(found)


def _network(address: IPv6Address) -> str:
    network = ip_network((int(address), PREFIX_OF_ONE), strict=False)
    return str(network.network_address)

"""Wrong passwords, beside what axes counts by itself: those of one name from one address."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt, AccessLog
from django.db.models import Sum
from django.http import HttpRequest

# So many addresses may each use up their tries at a name; then it is locked for all of them.
MOST_ADDRESSES = 10
PREFIX_OF_ONE = 64  # bits of an address of IPv6: the rest, who has one chooses freely


class AttemptHandler(AxesDatabaseHandler):
    """Counts also what was tried for a name from everywhere, for many addresses guess as one."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """As axes compares them with AXES_FAILURE_LIMIT."""
        from_here: int = super().get_failures(request, credentials)
        name = get_client_username(request, credentials)
        if AccessLog.objects.filter(username=name, ip_address=request.axes_ip_address).exists():
            return from_here  # whose place it is, others must not lock out
        since = get_cool_off_threshold(request)
        tried = AccessAttempt.objects.filter(username=name, attempt_time__gte=since)
        everywhere = tried.aggregate(count=Sum("failures_since_start"))["count"] or 0
        return max(from_here, everywhere // MOST_ADDRESSES)


def address_of(request: HttpRequest) -> str | None:
    """Where an attempt came from: an address of IPv4, or the network of IPv6 that is one's own."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None  # a socket of the system's
    found = getattr(address, "ipv4_mapped", None) or address
    return str(found) if isinstance(found, IPv4Address) else _network(found)


def _network(address: IPv6Address) -> str:
    network = ip_network((int(address), PREFIX_OF_ONE), strict=False)
    return str(network.network_address)

"""When a server's TLS certificate ends. Whether it is trusted is for the client that asks the server to say."""

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime

from collectors.diagnosis import Chart, Diagnosis
from inventory.text import msg

DAYS_OF_WARNING = 30


def expiry(host: str, port: int, *, timeout: float, forbids: Callable[[str], bool]) -> datetime | None:
    """The end of the certificate that `host:port` shows; None where an address of it is on the do-not-scan list.

    Raises:
        OSError: it could not be looked at.
        ValueError: what it shows is no certificate.
    """
    from cryptography.x509 import load_der_x509_certificate

    if forbids(host):
        return None
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if any(forbids(str(address[0])) for _, _, _, _, address in found):
        return None
    context = ssl.create_default_context()
    # Only its date is read, nothing is sent: the clients verify it each time they ask.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=timeout) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        shown = secure.getpeercert(binary_form=True)
    if shown is None:
        raise ValueError("no certificate")
    return load_der_x509_certificate(shown).not_valid_after_utc


def certificates(
    chart: Chart,
    hosts: tuple[tuple[str, int], ...],
    *,
    now: datetime,
    timeout: float,
    forbids: Callable[[str], bool],
) -> Iterator[Diagnosis]:
    """One line for each https server that answered."""
    for host, port in hosts:
        name = f"{host}:{port}"
        try:
            end = expiry(host, port, timeout=timeout, forbids=forbids)
        except (OSError, ValueError) as error:
            yield chart.warning(
                "tls",
                msg("{host}: its certificate could not be looked at ({reason}); is a proxy on the way?",
                    host=name, reason=getattr(error, "strerror", None) or type(error).__name__),
            )  # fmt: skip
            continue
        if end is None:
            continue
        days = (end - now).days
        sentence = msg(
            "{host}: the TLS certificate holds for {days} more day(s), until {end}",
            host=name,
            days=days,
            end=end.date().isoformat(),
        )
        if days < 0:
            expired = msg("{host}: the TLS certificate ended on {end}", host=name, end=end.date().isoformat())
            yield chart.error("tls", expired, _RENEW)
        elif days < DAYS_OF_WARNING:
            yield chart.warning("tls", sentence, _RENEW)
        else:
            yield chart.ok("tls", sentence)


_RENEW = msg("have the certificate renewed before scans begin to fail")

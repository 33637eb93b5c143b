"""What every request to an OpenStack passes before it leaves: the do-not-scan list, and no token to strangers.

keystoneauth follows a redirect to wherever it points and takes password or token along; the service catalogue may name
any host. Both are outsiders' words, so each address is looked at here, before DNS.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from requests.exceptions import RequestException

from collectors.errors import Skipped, Unreadable
from inventory.text import msg


class Gate(BaseAdapter):
    """Stands before another adapter of a requests session."""

    def __init__(self, behind: BaseAdapter, *, source: str, forbids: Callable[[str], bool]) -> None:
        super().__init__()
        self._behind = behind
        self._source = source
        self._forbids = forbids

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Sends it.

        Raises:
            Skipped: its host is on the do-not-scan list.
            Unreadable: a file that TLS needs is not there, or the answer is a redirect to another host, or from https
                to http.
        """
        url = urlsplit(request.url or "")
        if self._forbids(url.hostname or ""):
            # Before DNS and without its name: that is what the list is for.
            raise Skipped(msg("{source}: an address of it is on the do-not-scan list", source=self._source))
        try:
            response = self._behind.send(request, *args, **kwargs)
        except RequestException:
            raise
        except OSError as error:
            # What requests says of files that are not there.
            raise Unreadable(
                msg("{source}: a file of clouds.yaml cannot be used: check `cacert`, `cert` and `key`",
                    source=self._source)
            ) from error  # fmt: skip
        # As keystoneauth follows them, which is more than requests calls a redirect.
        if response.status_code in (301, 302, 303, 305, 307, 308) and "location" in response.headers:
            target = urlsplit(urljoin(request.url or "", response.headers["location"]))
            if not _may_follow(url, target):
                response.close()
                raise Unreadable(
                    msg(
                        "{source}: {host} redirects to another host, which would be given the credentials; correct the "
                        "address in clouds.yaml or in the service catalogue",
                        source=self._source,
                        host=url.hostname or "?",
                    )
                )
        return response

    def close(self) -> None:
        """Closes what stands behind."""
        self._behind.close()


def _may_follow(from_: SplitResult, to: SplitResult) -> bool:
    return to.hostname == from_.hostname and to.scheme in ("https", from_.scheme)


def set_gates(session: Session, *, source: str, forbids: Callable[[str], bool]) -> None:
    """Puts a gate before each adapter of the session."""
    for prefix, adapter in list(session.adapters.items()):
        session.mount(prefix, Gate(adapter, source=source, forbids=forbids))

"""A Keystone and its services on loopback that answer what a test scripts: for answers that no honest cloud gives."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from scripted_api import Answer, Asked, scripted_api

PASSWORD = "hunter2-very-secret"
CATALOGUE = {"compute": "/compute/v2.1", "network": "/network", "volumev3": "/volume/v3/p1", "identity": "/identity/v3"}

Script = Callable[[Asked], Answer | None]
"""The answer to a request; None: what an honest cloud says."""


def token_document(url: str) -> dict[str, object]:
    """What Keystone says with a token: an administrator, one project, region r."""
    return {
        "token": {
            "methods": ["password"],
            "user": {"id": "u1", "name": "auditor", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p1", "name": "admin", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r1", "name": "admin"}],
            "issued_at": "2026-11-20T03:00:00.000000Z",
            "expires_at": "2036-11-20T04:00:00.000000Z",
            "catalog": [
                {
                    "id": kind,
                    "name": kind,
                    "type": kind,
                    "endpoints": [
                        {"id": kind, "interface": "public", "region": "r", "region_id": "r", "url": url + path}
                    ],
                }
                for kind, path in CATALOGUE.items()
            ],
        }
    }


def _version(number: str, url: str, **more: object) -> dict[str, object]:
    return {"id": number, "status": "CURRENT", "links": [{"rel": "self", "href": url}], **more}


def _honest(asked: Asked, url: str) -> Answer:
    nova = _version("v2.1", f"{url}/compute/v2.1/", version="2.95", min_version="2.1")
    match asked.path.rstrip("/"):
        case "/identity/v3":
            return Answer({"version": _version("v3.14", f"{url}/identity/v3/")})
        case "/identity/v3/auth/tokens":
            return Answer(token_document(url), status=201, headers={"X-Subject-Token": "t" * 32})
        case "/compute/v2.1":
            return Answer({"version": nova})
        case "/network" | "/network/v2.0":
            return Answer({"versions": [_version("v2.0", f"{url}/network/v2.0/")]})
        case "/volume/v3" | "/volume/v3/p1" | "/volume":
            return Answer({"versions": [_version("v3.0", f"{url}/volume/v3/", version="3.70", min_version="3.0")]})
    return Answer({"error": {"message": "nothing here"}}, status=404)


@contextlib.contextmanager
def scripted_cloud(folder: Path, script: Script) -> Iterator[tuple[Path, list[Asked]]]:
    """A clouds.yaml with the cloud `c`, and what the cloud was asked so far."""
    place: list[str] = []

    def answer(asked: Asked) -> Answer:
        return script(asked) or _honest(asked, place[0])

    with scripted_api(answer) as (url, asked):
        place.append(url)
        clouds = folder / "clouds.yaml"
        clouds.write_text(
            f"clouds:\n  c:\n    region_name: r\n    auth: {{auth_url: '{url}/identity/v3', username: auditor, "
            f"password: {PASSWORD}, project_name: admin, user_domain_name: Default, project_domain_name: Default}}\n"
        )
        yield clouds, asked

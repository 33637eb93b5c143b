"""Multiplies the servers of template projects by copying rows in the services' own databases.

Runs inside the OpenStack container of the tests, by its own Python: `python3 - --copies 99 < openstack_clone.py`. Nova
builds a few servers a second; this makes thousands a second, and what the APIs then serve are rows that they wrote
themselves, with every id (UUID, hex id, MAC, project name) mapped by a digest of the id and the number of the copy.
"""

# ruff: noqa: S608 - every name in a statement is one of this file

import argparse
import datetime as dt
import hashlib
import json
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

SOCKET = "/run/mysqld/mysqld.sock"
BATCH_SERVERS = 20_000
"""Rows of so many servers are written to files before they are loaded."""
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MARK = re.compile(r"\x01([^\x02]*)\x02")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

NUMBERED = {
    "attribute": "neutron.standardattributes",
    "action": "nova_cell1.instance_actions",
    "project": "placement.projects",
}
"""Columns that hold the number of a row of another table: what the numbers are called here, and whose they are."""

_OWNED = {
    "network": "neutron.networks",
    "subnet": "neutron.subnets",
    "router": "neutron.routers",
    "port": "neutron.ports",
    "group": "neutron.securitygroups",
}


class Template:
    """The rows of the projects that are copied."""

    def __init__(self, database: Any, prefix: str) -> None:
        self._cursor = database.cursor()
        self.prefix = prefix
        rows = self.query("SELECT id, name FROM keystone.project WHERE name REGEXP %s", f"^{prefix}[0-9]{{4}}$")
        self.projects: dict[str, str] = dict(rows)
        if not self.projects:
            raise SystemExit(f"no project is called {prefix} and four digits")
        self.within = "('" + "','".join(self.projects) + "')"
        self.servers = f"SELECT uuid FROM nova_cell1.instances WHERE deleted = 0 AND project_id IN {self.within}"
        self.own = {n: f"SELECT id FROM {table} WHERE project_id IN {self.within}" for n, table in _OWNED.items()}

    def query(self, statement: str, *values: object) -> Sequence[Any]:
        """Its rows."""
        self._cursor.execute(statement, values or None)
        return self._cursor.fetchall()  # type: ignore[no-any-return]

    def tables(self) -> list[tuple[str, str, dict[str, str]]]:
        """Table, which of its rows, and which of its columns hold a number of `NUMBERED`."""
        inside, servers, own = (
            f"IN {self.within}",
            f"IN ({self.servers})",
            {k: f"IN ({v})" for k, v in self.own.items()},
        )
        attributes = " UNION ALL ".join(
            f"SELECT standard_attr_id FROM {table} WHERE project_id {inside}"
            for table in (*_OWNED.values(), "neutron.securitygrouprules")
        )
        segments = f"SELECT standard_attr_id FROM neutron.networksegments WHERE network_id {own['network']}"
        ipam = f"IN (SELECT id FROM neutron.ipamsubnets WHERE neutron_subnet_id {own['subnet']})"
        attribute, action = {"standard_attr_id": "attribute"}, "SELECT id FROM nova_cell1.instance_actions"
        return [
            ("keystone.project", f"id {inside}", {}),
            ("keystone.project_tag", f"project_id {inside}", {}),
            ("keystone.assignment", f"target_id {inside}", {}),
            ("neutron.standardattributes", f"id IN ({attributes} UNION ALL {segments})", {"id": "attribute"}),
            ("neutron.networks", f"id {own['network']}", attribute),
            ("neutron.networksegments", f"network_id {own['network']}", attribute),
            ("neutron.networksecuritybindings", f"network_id {own['network']}", {}),
            ("neutron.network_subnet_lock", f"network_id {own['network']}", {}),
            ("neutron.subnets", f"id {own['subnet']}", attribute),
            ("neutron.ipallocationpools", f"subnet_id {own['subnet']}", {}),
            ("neutron.ipamsubnets", f"neutron_subnet_id {own['subnet']}", {}),
            ("neutron.ipamallocationpools", f"ipam_subnet_id {ipam}", {}),
            ("neutron.ipamallocations", f"ipam_subnet_id {ipam}", {}),
            ("neutron.routers", f"id {own['router']}", attribute),
            ("neutron.router_extra_attributes", f"router_id {own['router']}", {}),
            ("neutron.routerports", f"router_id {own['router']}", {}),
            ("neutron.ports", f"id {own['port']}", attribute),
            ("neutron.portsecuritybindings", f"port_id {own['port']}", {}),
            ("neutron.ipallocations", f"port_id {own['port']}", {}),
            ("neutron.ml2_port_bindings", f"port_id {own['port']}", {}),
            ("neutron.ml2_port_binding_levels", f"port_id {own['port']}", {}),
            ("neutron.securitygroupportbindings", f"port_id {own['port']}", {}),
            ("neutron.securitygroups", f"id {own['group']}", attribute),
            ("neutron.securitygrouprules", f"security_group_id {own['group']}", attribute),
            ("neutron.default_security_group", f"project_id {inside}", {}),
            ("nova_cell1.instances", f"uuid {servers}", {}),
            ("nova_cell1.instance_extra", f"instance_uuid {servers}", {}),
            ("nova_cell1.instance_info_caches", f"instance_uuid {servers}", {}),
            ("nova_cell1.instance_system_metadata", f"instance_uuid {servers}", {}),
            ("nova_cell1.instance_metadata", f"instance_uuid {servers}", {}),
            ("nova_cell1.tags", f"resource_id {servers}", {}),
            ("nova_cell1.block_device_mapping", f"instance_uuid {servers}", {}),
            ("nova_cell1.instance_actions", f"instance_uuid {servers}", {"id": "action"}),
            (
                "nova_cell1.instance_actions_events",
                f"action_id IN ({action} WHERE instance_uuid {servers})",
                {"action_id": "action"},
            ),
            ("nova_cell1.virtual_interfaces", f"instance_uuid {servers}", {}),
            ("nova_cell1.instance_id_mappings", f"uuid {servers}", {}),
            ("nova_api.instance_mappings", f"instance_uuid {servers}", {}),
            ("nova_api.request_specs", f"instance_uuid {servers}", {}),
            ("placement.projects", f"external_id {inside}", {"id": "project"}),
            ("placement.consumers", f"uuid {servers}", {"project_id": "project"}),
            ("placement.allocations", f"consumer_id {servers}", {}),
        ]

    def ids(self) -> dict[str, str]:
        """Every id that belongs to the projects and must differ in a copy, with its form."""
        found = dict.fromkeys(self.projects, "hex") | dict.fromkeys(self.projects.values(), "name")
        own = self.own
        ipam = f"(SELECT id FROM neutron.ipamsubnets WHERE neutron_subnet_id IN ({own['subnet']}))"
        uuids = [
            self.servers,
            *own.values(),
            f"SELECT id FROM neutron.networksegments WHERE network_id IN ({own['network']})",
            f"SELECT id FROM neutron.ipamsubnets WHERE neutron_subnet_id IN ({own['subnet']})",
            f"SELECT id FROM neutron.ipallocationpools WHERE subnet_id IN ({own['subnet']})",
            f"SELECT id FROM neutron.ipamallocationpools WHERE ipam_subnet_id IN {ipam}",
            f"SELECT id FROM neutron.securitygrouprules WHERE security_group_id IN ({own['group']})",
            f"SELECT uuid FROM nova_cell1.block_device_mapping WHERE instance_uuid IN ({self.servers})",
            f"SELECT uuid FROM nova_cell1.virtual_interfaces WHERE instance_uuid IN ({self.servers})",
        ]
        for statement in uuids:
            found |= {key: "uuid" for (key,) in self.query(statement) if key}
        macs = self.query(f"SELECT mac_address FROM neutron.ports WHERE id IN ({own['port']})")
        return found | {mac: "mac" for (mac,) in macs}

    def next_copy(self) -> int:
        """The first number that no copy has."""
        rows = self.query("SELECT name FROM keystone.project WHERE name REGEXP %s", f"^{self.prefix}[0-9]{{4}}c[0-9]+$")
        return 1 + max((int(name.rpartition("c")[2]) for (name,) in rows), default=0)


def mapped(key: str, form: str, copy: int) -> str:
    """What the id is called in a copy."""
    if form == "name":
        return f"{key}c{copy}"
    digest = hashlib.md5(f"{key}:{copy}".encode(), usedforsecurity=False).hexdigest()
    if form == "hex":
        return digest
    if form == "mac":
        return "fa:16:3e:" + ":".join((digest[0:2], digest[2:4], digest[4:6]))
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


class Lines:
    """The rows of one table as LOAD DATA reads them, cut where a copy differs."""

    def __init__(self, template: Template, table: str, where: str, numbered: dict[str, str], ids: re.Pattern[str]):
        schema, _, name = table.partition(".")
        columns = template.query(
            "SELECT column_name, extra FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
            "ORDER BY ordinal_position",
            schema,
            name,
        )
        self.table = table
        self.columns = [
            column
            for column, extra in columns
            if (column in numbered or "auto_increment" not in extra) and "GENERATED" not in extra.upper()
        ]
        listed = ",".join(f"`{c}`" for c in self.columns)
        self.rows = [
            ids.split("\t".join(self._field(c, value, numbered) for c, value in zip(self.columns, row, strict=True)))
            for row in template.query(f"SELECT {listed} FROM {table} WHERE {where}")
        ]

    def _field(self, column: str, value: Any, numbered: dict[str, str]) -> str:
        if value is None:
            return "\\N"
        if column in numbered:
            return f"\x01{numbered[column]}:{value}\x02"
        if self.table == "nova_cell1.instances" and column in ("created_at", "launched_at"):
            return f"\x01time:{value.isoformat(' ')}\x02"
        if self.table == "nova_cell1.instances" and column == "node":
            return f"\x01node:{value}\x02"
        if isinstance(value, bytes | bytearray):
            return value.decode("latin1").translate(_ESCAPES)
        return value.isoformat(" ") if isinstance(value, dt.datetime) else str(value).translate(_ESCAPES)


class Copier:
    """Writes copies of a template's rows."""

    def __init__(self, template: Template, nodes: int) -> None:
        self.template = template
        self.ids = template.ids()
        pattern = re.compile(
            rf"({UUID}|[0-9a-f]{{32}}|fa:16:3e(?::[0-9a-f]{{2}}){{3}}|\b{re.escape(template.prefix)}[0-9]{{4}}\b"
            rf"|{_MARK.pattern.replace('(', '(?:')})"
        )
        self.lines = [Lines(template, *table, pattern) for table in template.tables()]
        self.servers = sum(len(lines.rows) for lines in self.lines if lines.table == "nova_cell1.instances")
        self.numbers = self._numbers()
        self.bases = {
            name: 1 + int(template.query(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0])
            for name, table in NUMBERED.items()
        }
        self.first = template.next_copy()
        self.nodes = self._invented_nodes(nodes)

    def _numbers(self) -> dict[str, dict[str, int]]:
        """Of each kind of number those that the template uses, counted through."""
        found: dict[str, dict[str, int]] = {name: {} for name in NUMBERED}
        for lines in self.lines:
            for part in (part for row in lines.rows for part in row[1::2] if part.startswith("\x01")):
                kind, _, value = part[1:-1].partition(":")
                if kind in found:
                    found[kind].setdefault(value, len(found[kind]))
        return found

    def _invented_nodes(self, count: int) -> dict[str, list[str]]:
        """Compute host to the names of its nodes: a city has more of them than the two that run here."""
        query = self.template.query
        hosts = [
            host
            for (host,) in query(
                "SELECT host FROM nova_cell1.compute_nodes WHERE deleted = 0 AND host = hypervisor_hostname"
            )
        ]
        columns = [
            name
            for (name,) in query(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_schema = 'nova_cell1' AND table_name = 'compute_nodes' AND extra = ''"
            )
        ]
        nodes: dict[str, list[str]] = {host: [f"{host}-n{i:03}" for i in range(count // len(hosts))] for host in hosts}
        known = {name for (name,) in query("SELECT hypervisor_hostname FROM nova_cell1.compute_nodes")}
        for host, names in nodes.items():
            for name in (n for n in names if n not in known):
                own = {"uuid": f"'{mapped(name, 'uuid', 0)}'", "hypervisor_hostname": f"'{name}'"}
                query(
                    f"INSERT INTO nova_cell1.compute_nodes ({','.join(columns)}) "
                    f"SELECT {','.join(own.get(c, c) for c in columns)} FROM nova_cell1.compute_nodes "
                    "WHERE host = %s AND hypervisor_hostname = host AND deleted = 0 LIMIT 1",
                    host,
                )
        return nodes

    def run(self, copies: int) -> None:
        """Writes so many copies, from files that are loaded whole: a query for each row would take hours."""
        query = self.template.query
        query("SET foreign_key_checks = 0")
        query("SET unique_checks = 0")
        step = max(1, BATCH_SERVERS // max(1, self.servers))
        for start in range(self.first, self.first + copies, step):
            numbers = range(start, min(start + step, self.first + copies))
            maps = {n: {key: mapped(key, form, n) for key, form in self.ids.items()} for n in numbers}
            for lines in self.lines:
                self._load(lines, maps)
        for lines in self.lines:
            query(f"ANALYZE TABLE {lines.table}")
        # What the hosts say that they run is what Yunhe holds against the listing.
        query(
            "UPDATE nova_cell1.compute_nodes n SET running_vms = (SELECT count(*) FROM nova_cell1.instances i "
            "WHERE i.deleted = 0 AND i.node = n.hypervisor_hostname)"
        )

    def _load(self, lines: Lines, maps: dict[int, dict[str, str]]) -> None:
        if not lines.rows:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".tsv", delete=False) as file:
            for copy, ids in maps.items():
                file.writelines(self._copied(lines, copy, ids))
        columns = ",".join(f"`{c}`" for c in lines.columns)
        self.template.query(
            f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {lines.table} CHARACTER SET utf8mb3 ({columns})"
        )
        warnings = self.template.query("SHOW WARNINGS")
        if warnings:
            raise SystemExit(f"{lines.table}: {warnings[:3]}")
        Path(file.name).unlink()

    def _copied(self, lines: Lines, copy: int, ids: dict[str, str]) -> Iterator[str]:
        for number, row in enumerate(lines.rows):
            parts = list(row)
            for i in range(1, len(parts), 2):
                part = parts[i]
                parts[i] = self._marked(part, copy, number) if part[0] == "\x01" else ids.get(part, part)
            yield "".join(parts) + "\n"

    def _marked(self, part: str, copy: int, row: int) -> str:
        kind, _, value = part[1:-1].partition(":")
        if kind == "time":
            return (dt.datetime.fromisoformat(value) - dt.timedelta(hours=copy)).isoformat(" ")
        if kind == "node":
            names = self.nodes.get(value)
            return names[(copy + row) % len(names)] if names else value
        numbers = self.numbers[kind]
        return str(self.bases[kind] + (copy - self.first) * len(numbers) + numbers[value])


def main() -> None:
    """Prints one line of JSON: servers that were added, and seconds."""
    import pymysql  # type: ignore[import-untyped] # of the container's own Python

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prefix", default="scale", help="template projects are called so, with four digits behind")
    parser.add_argument("--copies", type=int, required=True)
    parser.add_argument("--nodes", type=int, default=40, help="compute hosts to spread the copies over")
    asked = parser.parse_args()
    started = time.perf_counter()
    database = pymysql.connect(
        unix_socket=SOCKET, user="os", password="os", local_infile=True, autocommit=True, charset="utf8"
    )
    copier = Copier(Template(database, asked.prefix), asked.nodes)
    copier.run(asked.copies)
    print(json.dumps({"added": copier.servers * asked.copies, "seconds": round(time.perf_counter() - started, 1)}))


if __name__ == "__main__":
    main()

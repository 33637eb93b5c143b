#!/bin/sh
# Makes a cluster with the user `yunhe`, who may make databases, and runs the server in the foreground.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/data
mkdir -p "$data" && chown postgres "$data" && chmod 700 "$data"
if [ ! -s "$data/PG_VERSION" ]; then
    runuser -u postgres -- "$bin/initdb" -D "$data" -E UTF8 --locale=C.UTF-8 --auth=trust >/dev/null
    echo "host all all all trust" >>"$data/pg_hba.conf"
    runuser -u postgres -- "$bin/pg_ctl" -D "$data" -w -o "-c listen_addresses=''" start >/dev/null
    runuser -u postgres -- "$bin/psql" -q -c "CREATE ROLE yunhe LOGIN CREATEDB" -c "CREATE ROLE yunhe_reader LOGIN"
    runuser -u postgres -- "$bin/pg_ctl" -D "$data" -w stop >/dev/null
fi
# shellcheck disable=SC2086 - several options in one variable
exec runuser -u postgres -- "$bin/postgres" -D "$data" -c listen_addresses='*' ${POSTGRES_OPTIONS:-}

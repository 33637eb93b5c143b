#!/bin/sh
# Sets up the account that Yunhe logs in with, on one host, as root:
#
#     sh install.sh 'ssh-ed25519 AAAA… yunhe' 192.0.2.10
#
# The first argument is the public key, the second the address that scans. Beside this script lie ssh_probe.sh (of
# collectors/), yunhe.sudoers and yunhe.sshd.conf. Nothing that the account runs or is let in by belongs to the account.
# sshd is not reloaded: read what is in place, then do that yourself. May be run again; it then puts the same in place.
set -eu
umask 022
key=${1:?expected the public key, in quotes}
from=${2:?expected the address of the machine that scans}
here=$(cd "$(dirname "$0")" && pwd)
probe=$here/ssh_probe.sh
[ -f "$probe" ] || probe=$here/../../collectors/ssh_probe.sh
case $from in
    *[!0-9A-Fa-f.:/,]*) echo "$from: expected an address or CIDR" >&2; exit 2 ;;
esac
case $key in
    *'
'*) echo 'expected one key, one line' >&2; exit 2 ;;
    ssh-*\ * | ecdsa-*\ *) ;;
    *) echo 'expected a public key, not options and no private one' >&2; exit 2 ;;
esac

id yunhe >/dev/null 2>&1 || useradd --system --no-create-home --home-dir /nonexistent --shell /bin/sh yunhe
# No password, which is not the same as locked: sshd lets nobody in whose account is locked.
usermod -p '*' yunhe

mkdir -p /usr/local/lib/yunhe
cp "$probe" /usr/local/lib/yunhe/ssh_probe.sh
chown -R root:root /usr/local/lib/yunhe
chmod 0755 /usr/local/lib/yunhe /usr/local/lib/yunhe/ssh_probe.sh

printf 'restrict,from="%s" %s\n' "$from" "$key" >/etc/ssh/yunhe_authorized_keys
chmod 0644 /etc/ssh/yunhe_authorized_keys

if command -v visudo >/dev/null 2>&1; then
    cat=$(command -v cat)
    mkdir -p /etc/sudoers.d
    sed "s|/usr/bin/cat|$cat|" "$here/yunhe.sudoers" >/etc/sudoers.d/.yunhe.new
    chmod 0440 /etc/sudoers.d/.yunhe.new
    visudo -cqf /etc/sudoers.d/.yunhe.new
    mv /etc/sudoers.d/.yunhe.new /etc/sudoers.d/yunhe
else
    echo 'no sudo here: UUID and serial number will be reported as needing root' >&2
fi

if grep -qi '^[[:space:]]*Include[[:space:]].*/etc/ssh/sshd_config\.d/\*\.conf' /etc/ssh/sshd_config; then
    cp "$here/yunhe.sshd.conf" /etc/ssh/sshd_config.d/yunhe.conf
else
    # An sshd that is too old for Include.
    grep -q '^Match User yunhe$' /etc/ssh/sshd_config || cat "$here/yunhe.sshd.conf" >>/etc/ssh/sshd_config
fi
"$(command -v sshd || echo /usr/sbin/sshd)" -t
echo 'in place; now reload sshd (systemctl reload ssh, or sshd)'

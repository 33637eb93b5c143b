#!/bin/sh
# Dresses the container as the machine that the environment describes, then runs sshd in front.
#   DMI_<file>=text        /sys/class/dmi/id/<file>; /sys/class must be a tmpfs of this container (docker --tmpfs)
#   VIRT=text              what systemd-detect-virt answers; unset: the program is not there
#   MACHINE_ID, INSTANCE_ID, HOST_KEYS ("ed25519 ecdsa"), AUTHORIZED_KEY, PASSWORD (for user yunhe)
#   NICS="ens3 fa:16:3e:00:00:01 10.20.0.5/24;…"   more interfaces (needs NET_ADMIN)
#   SUDO=1                 user yunhe may read the two files of root through sudo
#   MODE=normal | password (no keys) | hung (TCP only) | stuck (the command never ends) | flood | probe (forced probe)
#        | many (one sshd that is many hosts: what becomes of a login depends on the user)
#        | restricted (the account as deploy/ssh sets it up, AUTHORIZED_KEY being its key)
#   PORT=2222              where sshd listens
#   LOOPBACK=1             the container shares the machine's network: only logins from loopback are let in
#   MAX_STARTUPS=100:30:200
#   USERLAND=debian | busybox | openeuler | kylin | bare      which tools there are, and what it says it is
set -eu
rm -f /.dockerenv

if [ -w /sys/class ]; then
    chmod 0755 /sys/class
    mkdir -p /sys/class/dmi/id
    ln -sfn /sys/devices/virtual/net /sys/class/net
    env | sed -n 's/^DMI_//p' | while IFS='=' read -r name text; do
        printf '%s\n' "$text" >"/sys/class/dmi/id/$name"
        chmod 0444 "/sys/class/dmi/id/$name"
        # as the kernel has it
        case $name in product_uuid | *_serial) chmod 0400 "/sys/class/dmi/id/$name" ;; esac
    done
fi

if [ -n "${VIRT-}" ]; then
    printf '#!/bin/sh\necho %s\n[ %s != none ]\n' "$VIRT" "$VIRT" >/usr/bin/systemd-detect-virt
    chmod 0755 /usr/bin/systemd-detect-virt
fi
printf '%s\n' "${MACHINE_ID-}" >/etc/machine-id
if [ -n "${INSTANCE_ID-}" ]; then
    mkdir -p /var/lib/cloud/data /run/cloud-init
    printf '%s\n' "$INSTANCE_ID" >/var/lib/cloud/data/instance-id
    printf '{\n "v1": {\n  "instance_id": "%s"\n }\n}\n' "$INSTANCE_ID" >/run/cloud-init/instance-data.json
fi

userland() {
    rm -f /etc/os-release /usr/lib/os-release
    case $1 in
        busybox) # as Alpine: one program is the shell and every tool
            printf 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.19.1\n' >/etc/os-release
            for tool in $(busybox --list); do ln -sf "$(command -v busybox)" "/usr/bin/$tool"; done
            rm -f /usr/sbin/ip /bin/ip
            ;;
        openeuler) # bash is sh, and speaks POSIX as such
            printf 'NAME="openEuler"\nVERSION="22.03 (LTS-SP3)"\nID="openEuler"\nVERSION_ID="22.03"\n' >/etc/os-release
            ln -sf bash /usr/bin/sh
            ;;
        kylin) # old: no os-release, a stat without %W, no iproute2, busybox's ifconfig in place of net-tools'
            echo 'Kylin Linux Advanced Server release V10 (Tercel)' >/etc/kylin-release
            printf '#!/bin/sh\necho "stat: invalid directive" >&2\nexit 1\n' >/usr/bin/stat
            rm -f /usr/bin/ip /usr/sbin/ip /bin/ip
            ln -sf "$(command -v busybox)" /usr/sbin/ifconfig
            ;;
        bare) # next to nothing, not even sed's companions
            printf 'ID=bare\n' >/etc/os-release
            rm -f /usr/bin/ip /usr/sbin/ip /bin/ip /usr/sbin/ifconfig /usr/bin/hostname /usr/bin/busybox
            rm -f /usr/bin/stat /usr/bin/cut /usr/bin/grep /usr/bin/awk /usr/bin/mawk /usr/bin/tr /usr/bin/head
            ;;
    esac
    rm -f /usr/bin/ss /usr/bin/lsblk /usr/bin/timeout /usr/sbin/dmidecode /usr/bin/findmnt
}

printf '%s\n' "${NICS-}" | tr ';' '\n' | while read -r name mac address; do
    [ -n "$name" ] || continue
    # a kernel without the dummy driver has bridges: Docker lives on them
    ip link add "$name" address "$mac" type dummy 2>/dev/null || ip link add "$name" address "$mac" type bridge
    ip addr add "$address" dev "$name"
    ip link set "$name" up
done

for type in ${HOST_KEYS:-ed25519}; do
    ssh-keygen -q -t "$type" -N '' -f "/etc/ssh/ssh_host_${type}_key"
done
for user in root yunhe; do
    printf '%s\n' "${AUTHORIZED_KEY-}" >"/etc/ssh/keys/$user"
done
if [ -n "${PASSWORD-}" ]; then
    printf 'yunhe:%s\n' "$PASSWORD" | chpasswd
else
    usermod -p '*' yunhe
fi
if [ -n "${SUDO-}" ]; then
    printf '%s\n' \
        'yunhe ALL=(root) NOPASSWD: /usr/bin/cat /sys/class/dmi/id/product_uuid' \
        'yunhe ALL=(root) NOPASSWD: /usr/bin/cat /sys/class/dmi/id/product_serial' >/etc/sudoers.d/yunhe
fi

{
    echo 'AuthorizedKeysFile /etc/ssh/keys/%u'
    echo 'PermitRootLogin prohibit-password'
    echo 'UsePAM no'
    echo "MaxStartups ${MAX_STARTUPS:-100:30:200}"
    echo "Port ${PORT:-22}"
    [ -z "${LOOPBACK-}" ] || echo 'AllowUsers *@127.*'
    case ${MODE:-normal} in
        password) echo 'PubkeyAuthentication no' ;;
        stuck) echo 'ForceCommand sleep 3600' ;;
        flood) echo 'ForceCommand yes 0123456789012345678901234567890123456789' ;;
        probe) echo 'ForceCommand sh /usr/local/lib/yunhe/ssh_probe.sh' ;;
        many)
            printf 'Match User stuck\n    ForceCommand sleep 3600\n'
            printf 'Match User flood\n    ForceCommand yes 0123456789012345678901234567890123456789\n'
            printf 'Match User half\n    ForceCommand sh -s | head -n 20\n'
            ;;
    esac
} >/etc/ssh/sshd_config.d/mode.conf
case ${MODE:-normal} in
    many)
        for user in stuck flood half; do
            useradd --no-create-home --shell /bin/sh "$user"
            usermod -p '*' "$user"
            printf '%s\n' "$AUTHORIZED_KEY" >"/etc/ssh/keys/$user"
        done
        ;;
    restricted)
        userdel yunhe
        sh /usr/local/share/yunhe/deploy/ssh/install.sh "$AUTHORIZED_KEY" 0.0.0.0/0 >&2
        ;;
esac
[ -z "${USERLAND-}" ] || userland "$USERLAND"

if [ "${MODE:-normal}" = hung ]; then
    # the kernel goes on accepting connections for a process that never answers them
    /usr/sbin/sshd -D -e &
    sleep 1
    kill -STOP $!
    echo 'Server listening (stopped)' >&2
    wait
fi
exec /usr/sbin/sshd -D -e

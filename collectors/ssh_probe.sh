#!/bin/sh
# Yunhe's one probe of a host: plain POSIX sh, read-only, no temporary file, nothing left behind.
#
# Run as `sh -s` with this text on standard input, or put it in place and force it for the key (docs/ssh-account.md).
# It opens no network connection and touches no remote file system (no df, no statfs): a dead NFS server cannot hang it.
# With the argument `sudo`, the two facts that only root may read are asked through `sudo -n cat FILE`.
# What the shell can read by itself it reads by itself: five small programs run, or six, and a host hardly notices.
#
# Answer, version 1 (the reader is collectors/ssh_facts.py): lines that begin with `@@` are the probe's own, each line
# of what it read begins with `|`, so that no content can pass for structure. Everything else is noise.
#   @@ yunhe-probe 1
#   @@ begin NAME LIMIT | content … | @@ end NAME      a section; LIMIT lines or more, or one of 1,000 bytes: it was cut
#   @@ absent NAME | @@ denied NAME                     no such fact here | only root may read it
#   @@ done

LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset CDPATH IFS
as_root=${1-}
newline='
'

has() {
    command -v "$1" >/dev/null 2>&1
}

# The answer is put together here and goes out in few pieces: each would be a packet of its own.
answer=
waiting=0

tell() {
    answer=$answer$1$newline
    waiting=$((waiting + 1))
    [ "$waiting" -lt 100 ] || send
}

send() {
    printf %s "$answer"
    answer=
    waiting=0
}

begin() {
    tell "@@ begin $1 $2"
}

end() {
    tell "@@ end $1"
}

# A line of content, marked. None is endless: what has 1,000 bytes may have had more.
mark() {
    case ${#1} in
        ????*) tell "|$(printf %.1000s "$1")" ;;
        *) tell "|$1" ;;
    esac
}

# section NAME LIMIT TEXT…: each line of what is known already, up to so many. Empty ones say nothing.
section() {
    begin "$1" "$2"
    name=$1
    left=$2
    shift 2
    set -f
    IFS=$newline
    for text do
        for line in $text; do
            [ "$left" -gt 0 ] || break 2
            mark "$line"
            left=$((left - 1))
        done
    done
    unset IFS
    set +f
    end "$name"
}

# copy LIMIT: standard input, read by the shell itself; a last line needs no newline.
copy() {
    left=$1
    while [ "$left" -gt 0 ] && { IFS= read -r line || [ -n "$line" ]; }; do
        mark "$line"
        left=$((left - 1))
    done
}

# file NAME LIMIT PATH…: the first of these files that is there.
file() {
    name=$1
    limit=$2
    shift 2
    for path do
        [ -f "$path" ] || continue
        if [ -r "$path" ]; then
            begin "$name" "$limit"
            copy "$limit" <"$path"
            end "$name"
        elif [ "$as_root" = sudo ] && text=$(sudo -n cat "$path"); then
            section "$name" "$limit" "$text"
        else
            tell "@@ denied $name"
        fi
        return
    done
    tell "@@ absent $name"
}

# The user whose rights count.
user_id() {
    effective=
    while read -r key _ effective _; do
        [ "$key" != Uid: ] || break
    done </proc/self/status
    section user_id 9 "${effective:-$(id -u)}"
}

names() {
    hostname=
    system=
    release=
    machine=
    read -r hostname </proc/sys/kernel/hostname
    read -r system </proc/sys/kernel/ostype
    read -r release </proc/sys/kernel/osrelease
    # Since Linux 6.1.
    [ -r /proc/sys/kernel/arch ] && read -r machine </proc/sys/kernel/arch
    section hostname 9 "${hostname:-$(uname -n)}"
    section kernel 9 "${system:-$(uname -s)}" "${release:-$(uname -r)}" "${machine:-$(uname -m)}"
}

interfaces() {
    for entry in /sys/class/net/*; do
        [ -f "$entry/address" ] || continue
        mac=
        read -r mac <"$entry/address"
        mark "${entry##*/} ${mac:--}"
    done
}

# Where there is no `ip`.
addresses() {
    if has ifconfig; then
        echo 'tool ifconfig'
        ifconfig -a
    elif [ -r /proc/net/fib_trie ]; then
        echo 'tool proc'
        sed -n -e '/|-- /{' -e 's/.*|-- /inet /' -e h -e '}' -e '/ \/32 host LOCAL/{' -e g -e p -e '}' /proc/net/fib_trie
        sed 's/^/inet6 /' /proc/net/if_inet6
    elif has hostname; then
        echo 'tool hostname'
        hostname -I
    fi
}

disks() {
    for entry in /sys/block/*; do
        [ -f "$entry/size" ] || continue
        case ${entry##*/} in
            loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd*) continue ;;
        esac
        size=
        model=
        place=
        read -r size <"$entry/size"
        [ -f "$entry/device/model" ] && read -r model <"$entry/device/model"
        cd -P "$entry" && place=$PWD
        mark "${entry##*/} ${size:-0} $place $model"
    done
    cd /
}

# What stands among much else, by one program for all of it, each line with a word before it that says what it is of:
#   mount   only source, target and type: options may hold a password. Not those without storage of their own.
#   udp     local address and port of a socket without a peer (07)
#   processor, flags, guest   a processor; one that says what it can (x86); one that says so and runs under a hypervisor
tables() {
    sed -n '
        /^[^ ]* \/[^ ]* [^ ]* .* [0-9]* [0-9]*$/{
            s/^\([^ ]* [^ ]* [^ ]*\) .*/mount \1/
            / autofs$/d
            / binfmt_misc$/d
            / bpf$/d
            / cgroup$/d
            / cgroup2$/d
            / configfs$/d
            / debugfs$/d
            / devpts$/d
            / devtmpfs$/d
            / efivarfs$/d
            / fusectl$/d
            / hugetlbfs$/d
            / mqueue$/d
            / nsfs$/d
            / overlay$/d
            / proc$/d
            / pstore$/d
            / ramfs$/d
            / rpc_pipefs$/d
            / securityfs$/d
            / selinuxfs$/d
            / squashfs$/d
            / sysfs$/d
            / tmpfs$/d
            / tracefs$/d
            p
            d
        }
        s/^ *[0-9]*: \([0-9A-F]*:[0-9A-F]*\) [0-9A-F]*:[0-9A-F]* 07 .*/udp \1/p
        s/^processor.*/processor/p
        s/^flags.* hypervisor.*/guest/p
        s/^flags.*/flags/p
    ' /proc/mounts /proc/net/udp /proc/net/udp6 /proc/cpuinfo
}

# Local address and port of each TCP socket that listens (0A), some of which have guests at the door (03). The kernel
# lists these first (its proc_net_tcp.rst): the rest, and the search for it in a large table, is nobody's time.
listening() {
    while read -r number place _ state _; do
        case $state in
            0A) sockets="${sockets}tcp $place$newline" ;;
            03) ;;
            *) [ "$number" = sl ] || break ;;
        esac
    done
}

from_tables() {
    mounts=
    sockets=
    processors=0
    flags=0
    guests=0
    for table in /proc/net/tcp /proc/net/tcp6; do
        [ -r "$table" ] && listening <"$table"
    done
    set -f
    IFS=$newline
    for line in $1; do
        case $line in
            'mount '*) mounts=$mounts${line#mount }$newline ;;
            'udp '*) sockets=$sockets$line$newline ;;
            processor) processors=$((processors + 1)) ;;
            flags) flags=$((flags + 1)) ;;
            guest) flags=$((flags + 1)) guests=$((guests + 1)) ;;
        esac
    done
    unset IFS
    set +f
    section processors 9 "count $processors" "flags $flags" "hypervisor $guests"
    section mounts 1000 "$mounts"
    section sockets 2000 "$sockets"
}

memory() {
    while read -r key amount unit; do
        [ "$key" != MemTotal: ] || break
    done </proc/meminfo
    section memory 9 "$amount $unit"
}

# Says that this is a container, whose hardware facts are those of the machine below it.
container() {
    [ -e /.dockerenv ] && mark docker
    [ -e /run/.containerenv ] && mark podman
    [ -r /run/systemd/container ] && copy 2 </run/systemd/container
}

probe() {
    tell "$newline@@ yunhe-probe 1"
    user_id
    names
    for fact in product_uuid product_serial sys_vendor product_name chassis_type chassis_asset_tag; do
        file "$fact" 2 "/sys/class/dmi/id/$fact"
    done
    file device_tree_model 2 /proc/device-tree/model
    file device_tree_uuid 2 /proc/device-tree/vm,uuid
    file hypervisor_type 2 /sys/hypervisor/type
    file hypervisor_uuid 2 /sys/hypervisor/uuid
    if has systemd-detect-virt; then
        section detect_virt 9 "$(systemd-detect-virt)"
    else
        tell '@@ absent detect_virt'
    fi
    begin container 4
    container
    end container
    memory
    file machine_id 2 /etc/machine-id /var/lib/dbus/machine-id
    file os_release 60 /etc/os-release /usr/lib/os-release
    file distribution 3 /etc/kylin-release /etc/redhat-release /etc/centos-release /etc/SuSE-release /etc/debian_version
    begin interfaces 2000
    interfaces
    end interfaces
    if has ip; then
        section addresses 4000 'tool ip' "$(ip -o addr show)"
        section routes 1000 'tool ip' "$(ip route show)" "$(ip -6 route show)"
    else
        section addresses 4000 "$(addresses)"
        section routes 1000 'tool proc' "$(cat /proc/net/route)"
    fi
    begin disks 1000
    disks
    end disks
    from_tables "$(tables)"
    section root_birth 9 "$(stat -c %W /)"
    file instance_id 2 /var/lib/cloud/data/instance-id
    if [ -r /run/cloud-init/instance-data.json ]; then
        section instance_data_id 9 "$(sed -n 's/.*"instance[-_]id": *"\([^"]*\)".*/\1/p' /run/cloud-init/instance-data.json)"
    else
        tell '@@ absent instance_data_id'
    fi
    tell '@@ done'
    send
}

# The whole text is read before anything runs, and what runs cannot eat the rest of it.
probe 2>/dev/null </dev/null

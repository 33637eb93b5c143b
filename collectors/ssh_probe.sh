#!/bin/sh
# Yunhe's one probe of a host: plain POSIX sh, read-only, no temporary file, nothing left behind.
#
# Run as `sh -s` with this text on standard input, or put it in place and force it for the key (docs/ssh-account.md).
# It opens no network connection and touches no remote file system (no df, no statfs): a dead NFS server cannot hang it.
# With the argument `sudo`, the two facts that only root may read are asked through `sudo -n cat FILE`.
# What the shell can read by itself it reads by itself: some fifteen small programs run, and a host hardly notices.
#
# Answer, version 1 (the reader is collectors/ssh_facts.py): lines that begin with `@@` are the probe's own, each line
# of what it read begins with `|`, so that no content can pass for structure. Everything else is noise.
#   @@ yunhe-probe 1
#   @@ begin NAME LIMIT | content … | @@ end NAME      a section; LIMIT lines or more means it was cut
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

begin() {
    printf '@@ begin %s %s\n' "$1" "$2"
}

# On a line of its own, whatever the content ended with.
end() {
    printf '\n@@ end %s\n' "$1"
}

# The output of a program, up to this many lines.
content() {
    sed -e 's/^/|/' -e "${1}q"
}

# value NAME TEXT…: what is known already, each of its lines marked.
value() {
    name=$1
    shift
    begin "$name" 9
    for text do
        while [ -n "$text" ]; do
            printf '|%s\n' "${text%%"$newline"*}"
            case $text in
                *"$newline"*) text=${text#*"$newline"} ;;
                *) text= ;;
            esac
        done
    done
    end "$name"
}

# copy LIMIT: standard input, read by the shell itself; a last line needs no newline.
copy() {
    count=0
    while [ "$count" -lt "$1" ] && { IFS= read -r line || [ -n "$line" ]; }; do
        printf '|%s\n' "$line"
        count=$((count + 1))
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
            value "$name" "$text"
        else
            printf '@@ denied %s\n' "$name"
        fi
        return
    done
    printf '@@ absent %s\n' "$name"
}

# The user whose rights count.
user_id() {
    effective=
    while read -r key _ effective _; do
        [ "$key" != Uid: ] || break
    done </proc/self/status
    value user_id "${effective:-$(id -u)}"
}

names() {
    hostname=
    system=
    release=
    read -r hostname </proc/sys/kernel/hostname
    read -r system </proc/sys/kernel/ostype
    read -r release </proc/sys/kernel/osrelease
    value hostname "${hostname:-$(uname -n)}"
    value kernel "${system:-$(uname -s)}" "${release:-$(uname -r)}" "$(uname -m)"
}

interfaces() {
    for entry in /sys/class/net/*; do
        [ -f "$entry/address" ] || continue
        mac=
        read -r mac <"$entry/address"
        printf '|%s %s\n' "${entry##*/}" "${mac:--}"
    done
}

addresses() {
    if has ip; then
        echo 'tool ip'
        ip -o addr show
    elif has ifconfig; then
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

routes() {
    if has ip; then
        echo 'tool ip'
        ip route show
        ip -6 route show
    else
        echo 'tool proc'
        cat /proc/net/route
    fi
}

# Only source, target and type: options may hold a password. File systems without storage of their own are left out.
mounts() {
    sed -n -e 's/^\([^ ]* [^ ]* [^ ]*\) .*/\1/' \
        -e '/ autofs$/d' -e '/ binfmt_misc$/d' -e '/ bpf$/d' -e '/ cgroup$/d' -e '/ cgroup2$/d' -e '/ configfs$/d' \
        -e '/ debugfs$/d' -e '/ devpts$/d' -e '/ devtmpfs$/d' -e '/ efivarfs$/d' -e '/ fusectl$/d' \
        -e '/ hugetlbfs$/d' -e '/ mqueue$/d' -e '/ nsfs$/d' -e '/ overlay$/d' -e '/ proc$/d' -e '/ pstore$/d' \
        -e '/ ramfs$/d' -e '/ rpc_pipefs$/d' -e '/ securityfs$/d' -e '/ selinuxfs$/d' -e '/ squashfs$/d' \
        -e '/ sysfs$/d' -e '/ tmpfs$/d' -e '/ tracefs$/d' -e p /proc/mounts
}

disks() {
    for entry in /sys/block/*; do
        [ -f "$entry/size" ] || continue
        case ${entry##*/} in
            loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd*) continue ;;
        esac
        size=
        model=
        read -r size <"$entry/size"
        [ -f "$entry/device/model" ] && read -r model <"$entry/device/model"
        printf '|%s %s %s %s\n' "${entry##*/}" "${size:-0}" "$(cd -P "$entry" && pwd)" "$model"
    done
}

# Local address and port of each socket in the wanted state: 0A is TCP LISTEN, 07 a UDP socket without a peer.
sockets() {
    sed -n 's/^ *[0-9]*: \([0-9A-F]*:[0-9A-F]*\) [0-9A-F]*:[0-9A-F]* 0A .*/tcp \1/p' /proc/net/tcp /proc/net/tcp6
    sed -n 's/^ *[0-9]*: \([0-9A-F]*:[0-9A-F]*\) [0-9A-F]*:[0-9A-F]* 07 .*/udp \1/p' /proc/net/udp /proc/net/udp6
}

# How many processors, how many of them say what they can (x86), and how many of these run under a hypervisor.
processors() {
    sed -n -e 's/^processor.*/processor/p' -e 's/^flags.* hypervisor.*/guest/p' -e 's/^flags.*/flags/p' /proc/cpuinfo | {
        count=0
        flags=0
        guests=0
        while read -r mark; do
            case $mark in
                processor) count=$((count + 1)) ;;
                flags) flags=$((flags + 1)) ;;
                guest) flags=$((flags + 1)) guests=$((guests + 1)) ;;
            esac
        done
        value processors "count $count" "flags $flags" "hypervisor $guests"
    }
}

memory() {
    while read -r key amount unit; do
        [ "$key" != MemTotal: ] || break
    done </proc/meminfo
    value memory "$amount $unit"
}

# Says that this is a container, whose hardware facts are those of the machine below it.
container() {
    [ -e /.dockerenv ] && echo '|docker'
    [ -e /run/.containerenv ] && echo '|podman'
    [ -r /run/systemd/container ] && copy 2 </run/systemd/container
}

probe() {
    printf '\n@@ yunhe-probe 1\n'
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
        value detect_virt "$(systemd-detect-virt)"
    else
        printf '@@ absent detect_virt\n'
    fi
    begin container 4
    container
    end container
    processors
    memory
    file machine_id 2 /etc/machine-id /var/lib/dbus/machine-id
    file os_release 60 /etc/os-release /usr/lib/os-release
    file distribution 3 /etc/kylin-release /etc/redhat-release /etc/centos-release /etc/SuSE-release /etc/debian_version
    begin interfaces 2000
    interfaces
    end interfaces
    begin addresses 4000
    addresses | content 4000
    end addresses
    begin routes 1000
    routes | content 1000
    end routes
    begin mounts 1000
    mounts | content 1000
    end mounts
    begin disks 1000
    disks
    end disks
    begin sockets 2000
    sockets | content 2000
    end sockets
    value root_birth "$(stat -c %W /)"
    file instance_id 2 /var/lib/cloud/data/instance-id
    if [ -r /run/cloud-init/instance-data.json ]; then
        begin instance_data_id 9
        sed -n 's/.*"instance[-_]id": *"\([^"]*\)".*/\1/p' /run/cloud-init/instance-data.json | content 9
        end instance_data_id
    else
        printf '@@ absent instance_data_id\n'
    fi
    printf '@@ done\n'
}

# The whole text is read before anything runs, and what runs cannot eat the rest of it. No line is endless.
probe 2>/dev/null </dev/null | if has cut; then cut -b 1-1001; else cat; fi

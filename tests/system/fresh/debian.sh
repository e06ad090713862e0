#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# debian.sh: a pristine Debian 12, for tests. It has what debootstrap calls minimal and nothing else, so that what a newcomer's
# machine would miss is missing. To be sourced:
#
#   debian_check || exit 77       says on stderr why there can be none here
#   debian_start CHECKOUT         makes one and clones CHECKOUT, with what is not committed yet, into its /src
#   debian COMMAND…               runs a command in /src there, as root, with an empty environment and no standard input
#
# The base system is made once, with the packages' mirror that apt uses here, and kept in $WISP_FRESH_CACHE
# (/var/tmp/wisp-fresh). A system is an overlay over it in a tmpfs, in a mount and a pid namespace of its own; all of it is gone
# when the test ends, however it ends: the namespaces' first process goes with the test (pdeathsig), and they with it.

. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../devices.sh"

DEBIAN_RELEASE=bookworm

debian_refuse() {
    echo "no fresh Debian here: $*" >&2
    return 1
}

debian_mirror() {
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 2>/dev/null |
        awk -v release=$DEBIAN_RELEASE '$1 == release { print $2; exit }'
}

debian_check() {
    local program
    [ "$(id -u)" = 0 ] || debian_refuse "needs root" || return
    for program in debootstrap unshare nsenter setpriv git apt-get; do
        command -v $program >/dev/null || debian_refuse "$program is missing" || return
    done
    unshare --mount --pid --fork --propagation private sh -c '
        set -e
        mount -t tmpfs probe /mnt
        mkdir /mnt/upper /mnt/scratch /mnt/root
        mount -t overlay probe -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/scratch /mnt/root
        mknod /mnt/null c 1 3' 2>/dev/null ||
        debian_refuse "mount namespaces, overlays and device nodes are needed, and one of them is forbidden" || return
    [ -n "$(debian_mirror)" ] || debian_refuse "apt knows no mirror of $DEBIAN_RELEASE (apt-get update)" || return
    debian_make_base
}

# A network that does not answer is no fault of what is tested.
debian_make_base() {
    local cache=${WISP_FRESH_CACHE:-/var/tmp/wisp-fresh} making
    DEBIAN_BASE=$cache/base
    mkdir -p "$cache"
    exec 8>"$cache/lock"
    flock 8
    if [ ! -d "$DEBIAN_BASE" ]; then
        making=$(mktemp -d "$cache/making.XXXXXX")
        if ! debootstrap --variant=minbase $DEBIAN_RELEASE "$making" "$(debian_mirror)" >"$cache/log" 2>&1; then
            tail -n 5 "$cache/log" >&2
            rm -rf "$making"
            debian_refuse "debootstrap failed; all of it is in $cache/log"
            return
        fi
        rm -f "$making"/var/cache/apt/archives/*.deb
        chmod 0755 "$making"
        mv "$making" "$DEBIAN_BASE"
    fi
    exec 8>&-
}

# The first process of the namespaces: makes the root, then waits to be the parent of what is run in it.
debian_become_init() {
    local work=$1 root=$1/root file
    set -euo pipefail
    mount -t tmpfs -o size=12g debian "$work"
    mkdir "$work"/{upper,scratch,root}
    mount -t overlay debian -o "lowerdir=$DEBIAN_BASE,upperdir=$work/upper,workdir=$work/scratch" "$root"
    mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
    mount -t sysfs -o nosuid,nodev,noexec,ro sysfs "$root/sys"
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup" 2>/dev/null || true
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
    mount_devices "$root"
    # Debian's packages by the way that apt goes here, and nothing else of this machine.
    for file in /etc/resolv.conf /etc/hosts /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources \
        /etc/apt/apt.conf /etc/apt/apt.conf.d/*proxy*; do
        [ ! -s "$file" ] || cp -L "$file" "$root$file"
    done
    : >"$work/up"
    exec sleep infinity
}

debian_start() {
    local checkout work tries=200
    checkout=$(readlink -f "$1")
    work=$(mktemp -d)
    DEBIAN_WORK=$work
    trap 'debian_stop' EXIT
    trap 'exit 130' INT TERM HUP
    export DEBIAN_BASE
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL --propagation private \
        bash -c '. "$0"; debian_become_init "$1"' "$(readlink -f "${BASH_SOURCE[0]}")" "$work" 2>"$work.log" &
    DEBIAN_OUTER=$!
    disown $DEBIAN_OUTER
    until DEBIAN_INIT=$(tr -d ' ' <"/proc/$DEBIAN_OUTER/task/$DEBIAN_OUTER/children") && [ -n "$DEBIAN_INIT" ] &&
        nsenter -t "$DEBIAN_INIT" -m test -e "$work/up"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] && kill -0 $DEBIAN_OUTER 2>/dev/null || { cat "$work.log" >&2; return 1; }
        sleep 0.05
    done 2>/dev/null
    debian_clone "$checkout"
}

# As `git clone` would bring it, were all of it committed.
debian_clone() {
    local checkout=$1 copy
    copy=$(mktemp -d)
    git -c safe.directory='*' clone -q --no-hardlinks "$checkout" "$copy/src" &&
        git -C "$checkout" ls-files -z -d | (cd "$copy/src" && xargs -0r rm -f) &&
        git -C "$checkout" ls-files -z -mo --exclude-standard | (cd "$checkout" && while IFS= read -r -d '' file; do
            [ ! -f "$file" ] || printf '%s\0' "$file"
        done | tar -c --null -T - -f -) | tar -C "$copy/src" -xf - &&
        tar -C "$copy" -cf - src | nsenter -t "$DEBIAN_INIT" -m tar --no-same-owner -C "$DEBIAN_WORK/root" -xf -
    local result=$?
    rm -rf "$copy"
    return $result
}

debian() {
    local proxies
    proxies=$(env | grep -iE '^(https?|no)_proxy=' || true)
    # shellcheck disable=SC2086  # words on purpose
    nsenter -t "$DEBIAN_INIT" -m -p chroot "$DEBIAN_WORK/root" /usr/bin/env -i $proxies HOME=/root USER=root LANG=C.UTF-8 TERM=dumb \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        /bin/sh -c 'cd /src && exec "$@"' sh "$@" </dev/null
}

debian_stop() {
    local status=$?
    trap - EXIT INT TERM HUP
    [ -z "${DEBIAN_INIT:-}" ] || kill -KILL "$DEBIAN_INIT" 2>/dev/null
    [ -z "${DEBIAN_OUTER:-}" ] || kill -KILL "$DEBIAN_OUTER" 2>/dev/null
    rm -rf "$DEBIAN_WORK" "$DEBIAN_WORK.log"
    exit $status
}

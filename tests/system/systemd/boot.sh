#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# boot.sh: a real systemd, PID 1 of namespaces of its own, for tests. To be sourced:
#
#   machine_check || exit 77     says on stderr why a machine cannot be booted here
#   machine_init                 makes $MACHINE_WORK, a folder for this test's files, and sees to it that nothing stays behind
#   machine_boot FOLDER SHOWN…   boots; what stands in FOLDER is laid over the machine's root, and the host's folders SHOWN are
#                                in it too, be they below /tmp or on a file system of their own
#   machine COMMAND…             runs a command in it, as root, with a clean environment
#   machine_stop                 powers it off; fails when it does not go by itself
#
# MACHINE_HIERARCHY=hybrid, before machine_init, gives it the controllers of cgroups' version 1 that the host has: on such a host
# only those limit anything. machine_hierarchy says which of the two limits memory here.
#
# The machine's root is the host's root under an overlay whose upper layer is a tmpfs: nothing on the host is written, and
# nothing is downloaded. It has its own pid, mount, uts, ipc, net and cgroup namespaces, and its own /dev, /proc, /sys, /run and
# /tmp. Of the host's units only what basic.target needs is left on.
#
# All of its processes live below one cgroup. At exit, however the test ends, that cgroup is killed and removed, by its path and
# never by a process's name; if even the test is killed with SIGKILL, the kernel takes the machine with it (pdeathsig), and
# the next test sweeps away the empty cgroup and the folder.

. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../devices.sh"

MACHINE_TARGET=machine.target
# Host services that make no sense without hardware, or that would want what a fresh machine lacks.
MACHINE_MASKED="systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket
    systemd-hwdb-update.service systemd-timesyncd.service systemd-networkd.service systemd-resolved.service
    systemd-logind.service systemd-binfmt.service systemd-modules-load.service systemd-sysctl.service
    systemd-random-seed.service systemd-remount-fs.service systemd-update-utmp.service systemd-journal-flush.service
    systemd-journal-catalog-update.service systemd-update-done.service systemd-machine-id-commit.service
    systemd-firstboot.service systemd-sysusers.service systemd-boot-system-token.service systemd-tmpfiles-setup-dev.service
    ldconfig.service keyboard-setup.service console-setup.service apparmor.service proc-sys-fs-binfmt_misc.automount
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount
    sys-fs-fuse-connections.mount"

# ---- inside the new namespaces, before systemd: builds the root and becomes PID 1's program

machine_mount_root() {
    local work=$1 root=$1/root
    mount --make-rprivate /
    mount -t tmpfs -o mode=0755,size=512m,nr_inodes=100k machine "$work"
    mkdir "$work"/{upper,scratch,root}
    mount -t overlay machine -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" "$root"
    mkdir -p "$root/.host"
    mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
    mount -t sysfs -o nosuid,nodev,noexec,ro sysfs "$root/sys"
    machine_mount_cgroups "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$root/run"
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
    mount_devices "$root"
    machine_show "$work" "${@:2}"
}

machine_mount_cgroups() {
    local root=$1 name options
    if [ "$MACHINE_HIERARCHY" = unified ]; then
        mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root"
        return
    fi
    mount -t tmpfs -o mode=0755,nosuid,nodev,noexec tmpfs "$root"
    mkdir "$root/unified"
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/unified"
    for name in $MACHINE_CONTROLLERS; do
        options=$name
        [ "$name" != systemd ] || options=none,name=systemd
        mkdir "$root/$name"
        mount -t cgroup -o "nosuid,nodev,noexec,$options" cgroup "$root/$name"
    done
}

# Folders that the machine's own /tmp would hide, or that an overlay over / does not reach. What is written there goes with
# the machine.
machine_show() {
    local work=$1 folder number=0
    for folder in "${@:2}"; do
        number=$((number + 1))
        mkdir -p "$work/upper$number" "$work/scratch$number" "$work/root$folder"
        mount -t overlay machine -o "lowerdir=$folder,upperdir=$work/upper$number,workdir=$work/scratch$number" "$work/root$folder"
    done
}

machine_prepare_root() {
    local root=$1 unit
    rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/default.target "$root"/var/log/journal
    for unit in $MACHINE_MASKED; do
        ln -sf /dev/null "$root/etc/systemd/system/$unit"
    done
    : >"$root/etc/fstab"
    tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    printf '[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n' >"$root/etc/systemd/system/$MACHINE_TARGET"
    mkdir -p "$root/etc/systemd/journald.conf.d"
    printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' >"$root/etc/systemd/journald.conf.d/machine.conf"
}

machine_become_init() {
    local work=$1 overlay=$2
    set -euo pipefail
    machine_mount_root "$work" "${@:3}"
    machine_prepare_root "$work/root"
    cp -a "$overlay"/* "$work/root/" # not "/.": the root keeps its own mode
    hostname machine
    cd "$work/root"
    pivot_root . .host
    exec chroot . /bin/sh -c 'umount -l /.host; exec env -i container=machine PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        /lib/systemd/systemd --system systemd.unified_cgroup_hierarchy="$1" --unit="$0" --log-target=journal \
        --show-status=no --crash-reboot=no' "$MACHINE_TARGET" "$([ "$MACHINE_HIERARCHY" = hybrid ] && echo 0 || echo 1)" </dev/null
}

# ---- on the host

machine_refuse() {
    echo "no machine here: $*" >&2
    return 1
}

machine_check() {
    local program
    [ "$(id -u)" = 0 ] || machine_refuse "needs root" || return
    for program in unshare nsenter setpriv pivot_root /lib/systemd/systemd systemctl systemd-analyze; do
        command -v "$program" >/dev/null || machine_refuse "$program is missing (packages systemd, util-linux)" || return
    done
    unshare --fork --pid --mount --uts --ipc --net --cgroup --propagation private sh -c '
        set -e
        mount -t tmpfs probe /mnt
        mkdir /mnt/upper /mnt/scratch /mnt/root /mnt/cgroup
        mount -t overlay probe -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/scratch /mnt/root
        mount -t cgroup2 probe /mnt/cgroup' 2>/dev/null ||
        machine_refuse "namespaces, an overlay over / and cgroup v2 are needed, and one of them is forbidden"
}

# Where our part of cgroup v2 is, mounting a view of it if there is none.
machine_find_cgroup() {
    local mounted
    mounted=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    if [ -z "$mounted" ]; then
        mounted=$MACHINE_WORK/cgroup
        mkdir "$mounted"
        mount -t cgroup2 machine "$mounted"
        MACHINE_CGROUP_MOUNT=$mounted
    fi
    MACHINE_CGROUP=$mounted$(awk -F: '$1 == "0" { print $3 }' /proc/self/cgroup)
    MACHINE_CGROUP=${MACHINE_CGROUP%/}/wisp-machine-$$
}

# A group of this machine's below ours of each controller of version 1.
machine_make_controllers() {
    local names path folder
    while IFS=: read -r _ names path; do
        names=${names#name=}
        [ -n "$names" ] && [ -d "/sys/fs/cgroup/$names" ] || continue
        folder=/sys/fs/cgroup/$names${path%/}/wisp-machine-$$
        mkdir "$folder"
        if [ "$names" = cpuset ]; then
            cat "$folder/../cpuset.cpus" >"$folder/cpuset.cpus"
            cat "$folder/../cpuset.mems" >"$folder/cpuset.mems"
        fi
        MACHINE_CONTROLLERS+=" $names"
        MACHINE_GROUPS+=("$folder")
    done </proc/self/cgroup
}

# Which hierarchy has a limit for memory here; fails where neither does.
machine_hierarchy() {
    local own
    own=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)$(awk -F: '$1 == "0" { print $3 }' /proc/self/cgroup)
    if grep -qsw memory "$own/cgroup.subtree_control"; then
        echo unified
    elif [ -w "/sys/fs/cgroup/memory$(awk -F: '$2 == "memory" { print $3 }' /proc/self/cgroup)/memory.limit_in_bytes" ]; then
        echo hybrid
    else
        machine_refuse "no controller for memory, of either version, is ours to use"
    fi
}

machine_remove_cgroup() {
    local folder=$1
    [ -n "$folder" ] && [ -d "$folder" ] || return 0
    echo 1 2>/dev/null >"$folder/cgroup.kill"
    for _ in $(seq 100); do
        find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null
        [ -d "$folder" ] || return 0
        sleep 0.05
    done
    echo "left behind: $folder" >&2
    return 1
}

# What a test that was killed with SIGKILL left; its pid is in the names.
machine_sweep() {
    local folder
    for folder in "${MACHINE_CGROUP%-*}"-* "${MACHINE_WORK%-*}"-* "${MACHINE_GROUPS[@]%-*}"-*; do
        [ -d "$folder" ] && ! [ -d "/proc/${folder##*-}" ] || continue
        case $folder in
        /sys/fs/cgroup/*/wisp-machine-*) machine_remove_cgroup "$folder" ;;
        *) rm -rf "$folder" ;;
        esac
    done
}

machine_clean_up() {
    local status=$?
    trap - EXIT INT TERM HUP
    set +e
    local group
    for group in "$MACHINE_CGROUP" "${MACHINE_GROUPS[@]}"; do
        machine_remove_cgroup "$group" || status=1
    done
    [ -z "$MACHINE_CGROUP_MOUNT" ] || { umount "$MACHINE_CGROUP_MOUNT" && rmdir "$MACHINE_CGROUP_MOUNT"; }
    rm -rf "$MACHINE_WORK"
    exit $status
}

machine_init() {
    export MACHINE_HIERARCHY=${MACHINE_HIERARCHY:-unified} MACHINE_CONTROLLERS=''
    MACHINE_GROUPS=()
    MACHINE_WORK=/tmp/wisp-machine-$$ MACHINE_OUTER='' MACHINE_CGROUP='' MACHINE_CGROUP_MOUNT='' MACHINE_INIT=''
    mkdir -m 0700 "$MACHINE_WORK" || exit 1
    trap machine_clean_up EXIT
    trap 'exit 130' INT TERM HUP
    machine_find_cgroup
    [ "$MACHINE_HIERARCHY" = unified ] || machine_make_controllers
    machine_sweep
    mkdir "$MACHINE_CGROUP" "$MACHINE_WORK/mount"
}

# within SECONDS COMMAND…: tries it until it succeeds.
within() {
    local tries=$(($1 * 20))
    shift
    until "$@" 2>/dev/null; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

machine_is_up() {
    MACHINE_INIT=$(tr -d ' ' <"/proc/$MACHINE_OUTER/task/$MACHINE_OUTER/children")
    [ -n "$MACHINE_INIT" ] && [ "$(cat "/proc/$MACHINE_INIT/comm")" = systemd ]
}

machine_is_settled() {
    case $(machine systemctl is-system-running) in
    running | degraded) ;;
    *) return 1 ;;
    esac
}

machine_boot() {
    local overlay=$1 library
    library=$(readlink -f "${BASH_SOURCE[0]}")
    (
        for group in "$MACHINE_CGROUP" "${MACHINE_GROUPS[@]}"; do echo "$BASHPID" >"$group/cgroup.procs"; done
        exec setpriv --pdeathsig KILL unshare --fork --kill-child=KILL --pid --mount --uts --ipc --net --cgroup \
            --propagation private bash -c '. "$0"; machine_become_init "$@"' "$library" "$MACHINE_WORK/mount" "$overlay" "${@:2}"
    ) >"$MACHINE_WORK/boot.log" 2>&1 &
    MACHINE_OUTER=$!
    disown $MACHINE_OUTER # its end is no news
    within 10 machine_is_up && within 30 machine_is_settled && return
    echo "systemd did not come up" >&2
    cat "$MACHINE_WORK/boot.log" >&2
    return 1
}

machine() {
    nsenter -t "$MACHINE_INIT" -m -u -i -n -p -C -r -w \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_PAGER= LC_ALL=C.UTF-8 "$@"
}

machine_is_off() {
    ! [ -d "/proc/$MACHINE_INIT" ]
}

machine_stop() {
    machine systemctl poweroff --no-block 2>/dev/null
    within 15 machine_is_off
}

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mount_devices ROOT: a /dev of its own below ROOT, for a system in namespaces: the harmless devices, terminals and shared memory.
mount_devices() {
    local dev=$1/dev device
    mount -t tmpfs -o mode=0755,nosuid tmpfs "$dev"
    for device in null zero full random urandom tty; do
        : >"$dev/$device"
        mount --bind "/dev/$device" "$dev/$device"
    done
    mkdir "$dev/pts" "$dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$dev/pts"
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$dev/shm"
    ln -s pts/ptmx "$dev/ptmx"
    ln -s /proc/self/fd "$dev/fd"
    ln -s fd/0 "$dev/stdin"
    ln -s fd/1 "$dev/stdout"
    ln -s fd/2 "$dev/stderr"
}

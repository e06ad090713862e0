#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A /run that is full, of bytes and of files: a start says so and leaves nothing, a daemon that runs serves on, reloads and drains, one
# that was killed is back as soon as there is room. Usage: full_run.sh BUILD-FOLDER; a /run of its own, so only for root.
set -u
[ "$(id -u)" = 0 ] || { echo "full_run: only root can mount a /run of its own: skipped"; exit 77; }
[ "${2:-}" = inside ] || {
    unshare --mount true 2>/dev/null || { echo "full_run: no namespace for mounts can be made here: skipped"; exit 77; }
    exec unshare --mount --propagation private "$0" "$1" inside
}
. "$(dirname "$0")/../../support/checks.sh"
root=$(realpath "$(dirname "$0")/../../..") bin=$(realpath "$1")/bin
folder=$(mktemp -d) daemon=
trap 'kill $daemon 2>/dev/null; wait; rm -rf "$folder"' EXIT
mount -t tmpfs -o size=64k,nr_inodes=16 none /run || { echo "full_run: no tmpfs can be mounted here: skipped"; exit 77; }
export WISP_SOCKET=/run/wisp/wisp.sock
mkdir /run/wisp

# Both until nothing more goes in; and as it was.
fill() {
    local i=0
    while : >/run/file.$i; do i=$((i + 1)); done 2>/dev/null
    dd if=/dev/zero of=/run/file.0 bs=4k >/dev/null 2>&1
    { ! : >/run/more && ! dd if=/dev/zero of=/run/file.1 bs=4k count=1; } >/dev/null 2>&1 || { echo "full_run: /run is not full"; failed=$((failed + 1)); }
}
empty() { rm -f /run/file.*; }
start() {
    "$bin/wispd" --model "$root/models/fashion.safetensors" >"$folder/log" 2>&1 &
    daemon=$!
}
# Within ten seconds, as its processor allows: it listens, or has ended.
await() {
    local i
    for i in $(seq 200); do
        "$bin/wisp" ping --count 1 >/dev/null 2>&1 && return
        kill -0 $daemon 2>/dev/null || return
        sleep 0.05
    done
}
serves=("$bin/wisp" run fashion "$root/examples/picture.png")
# Its exit status is to be this, and within three minutes.
ends() { # NAME STATUS
    local came
    timeout 180 tail --pid=$daemon -f /dev/null
    kill -KILL $daemon 2>/dev/null
    wait $daemon 2>/dev/null
    came=$?
    holds "$1" "$came" = "$2"
}
left() { find /run/wisp -mindepth 1 | wc -l; }

fill
start
ends  "a start fails"             1
check "and says where"            0 "/run/wisp/wisp.sock.lock: No space left on device" cat "$folder/log"
holds "and leaves nothing"          "$(left)" = 0
empty
start
await
check "with room it starts"       0 "" "${serves[@]}"
fill
check "it serves on"              0 "" "${serves[@]}"
check "and reloads"               0 "" "$bin/wisp" reload
check "and says how it is"        0 "fashion" "$bin/wisp" models
kill -KILL $daemon
wait $daemon 2>/dev/null
start # the lock beside its socket would be one more file; whom systemd gives a socket needs none
ends  "killed, a start says so"   1
empty
start
await
check "with room it is back"      0 "" "${serves[@]}"
fill
kill -TERM $daemon
ends  "it drains"                 0
holds "and takes its socket away"   "$(left)" = 0
checks_end

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# wispd as a service, killed again and again under clients that never stop asking, while somebody connects all the time: how long
# systemd and the daemon take until READY, whether anybody is refused, and how long the longest request waits. With three models,
# and with all that ship. WISP_UNIT_KILLS and WISP_UNIT_KILLS_ALL say how often it is killed with each; 0: not at all.
# shellcheck disable=SC2154  # service.sh sets what is not set here
. "$(dirname "$(readlink -f "$0")")/service.sh"
kills=${WISP_UNIT_KILLS:-3} kills_all=${WISP_UNIT_KILLS_ALL:-1}

service_install
cp "$binary_dir/tests/bin/wispd-knock" "$tree/srv/"
machine_boot "$tree" "$source_dir" "$binary_dir" || exit 1
machine sh -c 'ldconfig && systemd-sysusers && systemd-tmpfiles --create' 2>/dev/null
times=$MACHINE_WORK/times refused=0

is_kept() { [ "$(property NFileDescriptorStore)" -ge 6 ]; }
is_another() { [ "$(property MainPID)" != "$1" ] && is_serving; }

# One kill: a line of $times has the milliseconds until READY, and of them those until systemd begins to start the next.
kill_once() {
    local pid said ready begun
    pid=$(property MainPID)
    said=$(machine /srv/wispd-knock /run/wisp/wisp.sock "$pid" 400) || return
    within 20 is_another "$pid" || return
    read -r _ killed _ now _ tries _ longest <<<"$said"
    refused=$((refused + now)) knocks=$((knocks + tries)) slowest=$((longest > slowest ? longest : slowest))
    ready=$(property ActiveEnterTimestampMonotonic)
    begun=$(property ExecMainStartTimestampMonotonic)
    awk -v all=$((ready - killed)) -v begun=$((begun - killed)) 'BEGIN { printf "%.1f %.1f\n", all / 1000, begun / 1000 }' >>"$times"
}

# of SHARE [COLUMN]: that of the times that so many are not above.
of() { sort -n -k "${2:-1},${2:-1}" "$times" | awk -v share="$1" -v column="${2:-1}" '{ all[NR] = $column } END { at = int(share * NR + 0.999); print all[at < 1 ? 1 : at] }'; }

# killed TIMES MODELS: all of it, with a client that asks meanwhile.
killed() {
    local client done=0
    [ "$1" -gt 0 ] || return
    : >"$times"
    refused=0 knocks=0 slowest=0
    machine systemctl stop wispd.socket wispd.service 2>/dev/null
    machine systemctl start wispd.socket
    as_user 65534 /srv/wisp-steady image >"$MACHINE_WORK/steady.log" 2>&1 &
    client=$!
    check "with $2 models a client is served" within 10 grep -q '^steady' "$MACHINE_WORK/steady.log"
    check "systemd keeps its channel" within 5 is_kept
    while [ $done -lt "$1" ] && kill_once; do done=$((done + 1)); done
    check "killed $done times of $1: READY after $(of 0) to $(of 1) ms, $(of 0.5) in the middle, p90 $(of 0.9); systemd began after $(of 0.5 2)" equal $done "$1"
    check "nobody was refused, of $knocks connects; the longest took $slowest us" equal $refused 0
    machine sh -c 'kill -TERM $(pidof wisp-steady)'
    wait $client
    check "the client saw nothing of all that: $(tail -1 "$MACHINE_WORK/steady.log")" equal $? 0
    check "and the library had nothing to send again" like "$(tail -1 "$MACHINE_WORK/steady.log")" '* resubmitted 0*'
}

machine cp "$config" "$config.all"
# The first three, which are small.
machine sed -i '/tagger.safetensors/,$d' "$config"
killed "$kills" "$(machine grep -c '^ *- path:' "$config")"
machine mv "$config.all" "$config"
killed "$kills_all" "$(machine grep -c '^ *- path:' "$config")"
machine systemctl stop wispd.socket wispd.service
power_off

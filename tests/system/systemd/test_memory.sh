#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# wispd as a service whose memory is limited, by MemoryMax= and by the limits of a process: what does not fit is refused with a
# sentence, whether an operator asks for it or a client, and what serves goes on. Where the kernel ends it, it comes back.
# Exit status 77 where no machine can be booted, or none whose memory can be limited.
# shellcheck disable=SC2154  # service.sh sets what is not set here
. "$(dirname "$(readlink -f "$0")")/service.sh"
MACHINE_HIERARCHY=$(machine_hierarchy) || exit 77

service_install
models=$(dirname "$(find "$tree" -name fashion.safetensors)")
# Eight million weights, of which the default channel has a thousand samples' inputs.
"$binary_dir/bin/wisp-forge" build --layers 4096-4096-10 -s 0.5 --no-history -o "$models/large.safetensors" >/dev/null || exit 1
# As many, and an index of its input besides (sparse/passes/bags.h).
"$binary_dir/bin/wisp-forge" build --layers 8192-2000-10 -s 0.5 --no-history -o "$models/wide.safetensors" >/dev/null || exit 1
models=${models#"$tree"}
machine_boot "$tree" "$source_dir" "$binary_dir" || exit 1
check "systemd limits memory by cgroups of the $MACHINE_HIERARCHY hierarchy" \
    equal "$(machine systemctl is-system-running)" running
machine sh -c 'ldconfig && systemd-sysusers && systemd-tmpfiles --create' 2>/dev/null

# serve MODEL…: is what the configuration says. Formats are estimated: how many a model takes the clock says one way or the other, and
# a second or third decides whether a start fits.
serve() {
    local model
    machine sh -c "printf 'tune: false\nmodels:\n' >$config"
    for model; do machine sh -c "printf '  - path: %s\n' $models/$model.safetensors >>$config"; done
}
limit() { drop_in wispd.service '[Service]' "$@"; }
restart() { machine systemctl restart wispd.service 2>/dev/null; }

# ---- reloads

serve fashion
limit MemoryMax=96M
restart
check "below MemoryMax= it serves" is_serving
is_serving || { journal; exit 1; } # nothing below makes sense
pid=$(property MainPID)
serve fashion large
said=$(machine wisp reload 2>&1)
status=$?
check "a model that would not fit is refused, with the numbers" \
    like "$status $said" '78 *large.safetensors: loading it beside what is served may take * MiB, and the limit of this service*leaves *raise MemoryMax=*'
check "and changes nothing" like "$(property MainPID) $(machine wisp models)" "$pid *fashion*"
limit MemoryMax=240M
serve fashion wide
check "a model of which only the index would not fit is refused" \
    like "$(machine wisp reload 2>&1)" '*wide.safetensors: loading it beside what is served may take 2[4-6]? MiB, and *leaves 2[0-3]?: *'
serve fashion large
limit MemoryMax=1G
check "with more it is taken, by the same process" quietly machine wisp reload
check "and serves" like "$(property MainPID) $(machine wisp models)" "$pid *large*"

# ---- channels: eight MiB each

limit MemoryMax=228M
restart
pid=$(property MainPID)
clients=()
for user in $(seq 20); do
    as_user "$user" /srv/wisp-steady fashion >"$MACHINE_WORK/steady$user.log" 2>&1 &
    clients+=($!)
    within 20 grep -qE '^(steady|FAIL)' "$MACHINE_WORK/steady$user.log" && grep -q '^steady' "$MACHINE_WORK/steady$user.log" || break
done
check "$((user - 1)) of 20 users get a channel" [ "$user" -gt 1 -a "$user" -lt 20 ]
check "the next one is told why" like "$(cat "$MACHINE_WORK"/steady*.log | grep -m 1 FAIL)" '*no memory for the channel: * KiB, and MemoryMax= leaves *'
check "and the kernel has ended nobody for it" equal "$(property MainPID) $(property NRestarts)" "$pid 0"
machine sh -c 'kill -TERM $(pidof wisp-steady)'
wait "${clients[@]}"
check "with those gone there is room for others" within 10 quietly as_user 30 wisp ping

# ---- the kernel ends it, for what no sentence can be said of

serve fashion
limit MemoryMax=96M
restart
as_user 65534 /srv/wisp-steady fashion >"$MACHINE_WORK/steady.log" 2>&1 &
steady=$!
check "a client is served" within 5 grep -q '^steady' "$MACHINE_WORK/steady.log"
serve fashion large
limit MemoryMax=24M
restart
has_been_ended() { [ "$(property NRestarts)" -ge 2 ]; }
check "a start that does not fit is ended by the kernel, and tried again" within 10 has_been_ended
check "and the journal says so" like "$(journal)" '*status=9/KILL*'
serve fashion
check "with what fits it serves, and nobody had to start it" within 10 is_serving
limit MemoryMax=96M
within 10 quietly machine wisp ping
machine sh -c 'kill -TERM $(pidof wisp-steady)'
wait $steady
check "the client saw nothing of all that: $(tail -1 "$MACHINE_WORK/steady.log")" equal $? 0

# ---- limits of a process

machine systemctl stop wispd.socket 2>/dev/null
# What systemd is itself counts until it executes wispd, and at 8M it aborts by itself now and then, before anything is said: then once more.
# By the name that its stream has: of a process that is gone already the journal knows no other. The journal writes when it comes to it.
says_why() {
    said=$(machine journalctl -q --no-pager -o cat -p err --since "@$since" -t wispd)
    [[ $said == *[Mm]emory* ]]
}
for limits in LimitDATA=8M LimitDATA=16M LimitAS=40M; do
    limit $limits Restart=no
    for _ in 1 2 3 4 5; do
        since=$(date +%s.%N)
        restart
        within 5 says_why
        [ -z "$said" ] && [ "$(property ExecMainCode) $(property ExecMainStatus)" = "2 6" ] || break
    done
    check "$limits: it says what is short" within 5 says_why
    echo "     $said"
    check "and it ends with a status" like "$(property ExecMainCode) $(property ExecMainStatus)" '1 [1-9]*'
    [ -n "$said" ] || machine journalctl -q --no-pager -o short-monotonic --since "@$since"
done
limit
machine systemctl reset-failed wispd.service
machine systemctl start wispd.service
check "without limits it serves" quietly machine wisp ping
machine systemctl stop wispd.socket wispd.service
power_off

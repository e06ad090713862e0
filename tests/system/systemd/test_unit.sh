#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# wispd as a service: this build, installed into a machine with a real systemd, started by its first client, killed, hung,
# stopped, and misconfigured. A line a check; exit status 77 where no machine can be booted. WISP_TEST_SHARDS has it compute on
# so many shards, and leaves out what they have no part in.
# shellcheck disable=SC2154  # service.sh sets what is not set here
. "$(dirname "$(readlink -f "$0")")/service.sh"
shards=${WISP_TEST_SHARDS:-1}

service_install
# The probe runs in the very place of wispd, so that the paths in the unit apply to it.
probe_folder=$(dirname "$unit")/wispd-probe.service.d
mkdir -p "$tree$probe_folder"
cp "$tree$unit" "$tree$(dirname "$unit")/wispd-probe.service"
printf '[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nBindReadOnlyPaths=/srv/wispd-probe:%s\n' "$daemon" \
    >"$tree$probe_folder/probe.conf"
cp "$binary_dir/tests/bin/wispd-probe" "$tree/srv/"

machine_boot "$tree" "$source_dir" "$binary_dir" || exit 1

# What scripts/demo prints last, to the letter: over what is there already, it changes nothing of it.
hint=$(sed -n '/^As a service/,/^END/p' "$source_dir/scripts/demo" | grep '^  sudo ' | sed "s#build/release#$binary_dir#")
check "the demo prints a way to a service" like "$hint" '*cmake --install*systemctl enable*'
said=$(machine sh -c "set -e; sudo() { \"\$@\"; }; $hint" 2>&1)
check "and it works as printed" equal "$?: $(grep -v -e '^-- ' -e '^Created symlink' -e '^Creating ' <<<"$said")" "0: "
check "the socket is enabled, and active" \
    equal "$(machine systemctl is-enabled wispd.socket) $(machine systemctl is-active wispd.socket)" "enabled active"
check "with its user and its folders" machine sh -c 'id wisp >/dev/null && test -d /var/lib/wisp/models'
machine systemctl disable --now wispd.socket 2>/dev/null
# The kernel counts a user's tasks over all machines: a number of this test's own, or LimitNPROC= below counts another test's daemon.
alone=$((200000 + $$))
machine sh -c "sed -i 's/^\(wisp:[^:]*\):[0-9]*:[0-9]*:/\1:$alone:$alone:/' /etc/passwd && sed -i 's/^\(wisp:[^:]*\):[0-9]*:/\1:$alone:/' /etc/group &&
    systemd-tmpfiles --create"
check "its user is one that no other machine has" equal "$(machine id -u wisp):$(machine id -g wisp)" "$alone:$alone"

if [ "$shards" -gt 1 ]; then
    machine sh -c "printf 'shards: %s\n' $shards | cat - $config >$config.new && mv $config.new $config"
    machine sed -i '/tagger.safetensors/,$d' "$config" # the first three models do, and are loaded often
fi

# ---- the files

check "systemd $(machine systemctl --version | awk 'NR == 1 { print $2 }') is running" \
    equal "$(machine systemctl is-system-running)" running
check "systemd-analyze verify finds nothing" \
    empty "$(machine systemd-analyze verify --man=no wispd.service wispd.socket wisp-metrics.socket wisp-textfile.timer 2>&1)"
check "exposure $(machine systemd-analyze security --offline=true "$unit" | awk '/Overall/ { print $(NF - 2) }'), at most 0.5" \
    machine sh -c "systemd-analyze security --offline=true --threshold=5 $unit >/dev/null"
check "what the unit documents is installed" \
    equal "$(find "$tree" -name wispd.8 -o -name wispd.yaml.5 | wc -l)" 2
check "the installed configuration and its models are good" machine "$daemon" -t -q --config "$config"

# ---- the sandbox

machine mknod -m 666 /dev/mem c 1 3 # so that there is something to hide; it is only another /dev/null
machine ipcmk -M 4096 >/dev/null    # and a segment that everybody would see
machine systemctl start wispd-probe.service 2>/dev/null
probe_log=$(machine journalctl -q --no-pager -o cat -u wispd-probe.service)
grep '^FAIL' <<<"$probe_log"
check "sandbox: $(grep ' probes, ' <<<"$probe_log")" like "$probe_log" '*42 probes, 0 failed*'
machine systemctl stop wispd.socket

# ---- the first client starts it

machine systemctl start wispd.socket
check "the socket listens, and the daemon is not running yet" \
    equal "$(property ActiveState) $(machine stat -c %a /run/wisp/wisp.sock)" "inactive 666"
since=$(date +%s%N)
answer=$(as_user 65534 wisp run image --json /srv/examples/picture.png 2>&1)
check "a first client, unprivileged, gets its answer in $(milliseconds_since "$since") ms" like "$answer" '*"label"*'
check "the daemon has said READY" is_serving
is_serving || { journal; exit 1; } # nothing below makes sense
check "and its status: $(property StatusText)" like "$(property StatusText)" '*models*'
pid=$(property MainPID)
status=$(machine cat "/proc/$pid/status")
uid=$(machine id -u wisp)
check "what it measured is kept" machine test -s /var/cache/wisp/weight-formats
check "runs as wisp, without capabilities or new privileges, behind a filter" \
    like "$(printf '%s' "$status" | tr '\n\t' '  ')" "*Uid: $uid $uid *CapEff: 0000000000000000 *NoNewPrivs: 1 *Seccomp: 2 *"
check "and behind one more of its own, so that it makes no rings any more and runs nothing" \
    empty "$(journal | grep 'could still make rings')"
check "in a network of its own" \
    [ "$(machine readlink "/proc/$pid/ns/net")" != "$(machine readlink /proc/1/ns/net)" ]
check "text and audio answer too" quietly machine sh -c \
    'wisp run text /srv/examples/sentence.txt && wisp run audio /srv/examples/recording.wav'

# ---- what Prometheus is told

machine systemctl start wisp-metrics.socket
metrics=$(machine /usr/bin/python3 -c 'import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect("/run/wisp-metrics.sock")
connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: wisp\r\n\r\n")
sys.stdout.write(connection.makefile().read())' 2>&1)
check "wisp-metrics.socket answers, and is told of all users" \
    like "$metrics" 'HTTP/1.0 200 OK*wisp_up 1*wisp_user_requests_total{uid="65534"} *'
machine mkdir -p /var/lib/prometheus/node-exporter
machine systemctl start wisp-textfile.service
check "wisp-textfile.service writes the file of node_exporter, for all to read" \
    like "$(as_user 65534 cat /var/lib/prometheus/node-exporter/wisp.prom 2>&1)" '*wisp_up 1*wisp_model_requests_total*'
machine rm -r /var/lib/prometheus/node-exporter
since=$(date +%s.%N)
fails() { ! quietly machine systemctl start wisp-textfile.service; }
check "where there is no such folder, it fails" fails
# By no unit: of a process that is gone already the journal may know none. And it writes when it comes to it.
says_where() { [[ $(machine journalctl -q --no-pager -o cat --since "@$since") == *wisp.prom* ]]; }
check "and says so" within 5 says_where

# ---- killed and hung under clients that never stop asking, one for each shard

clients=()
clients_start() {
    local i
    clients=()
    for i in $(seq "$shards"); do
        as_user 65534 /srv/wisp-steady image >"$MACHINE_WORK/steady$i.log" 2>&1 &
        clients+=($!)
        check "steady client $i is served" within 5 grep -q '^steady' "$MACHINE_WORK/steady$i.log"
    done
}
# clients_end PATTERN: what each is to have said at last.
clients_end() {
    local i
    machine sh -c 'kill -TERM $(pidof wisp-steady)'
    for i in $(seq "$shards"); do
        wait "${clients[$((i - 1))]}"
        check "client $i saw nothing of all that: $(tail -1 "$MACHINE_WORK/steady$i.log")" equal $? 0
        check "and the library had nothing to send again" like "$(tail -1 "$MACHINE_WORK/steady$i.log")" "$1"
    done
}

clients_start
check "each shard has one" equal \
    "$(machine wisp clients --json | grep -o '"shard": [0-9]*' | sort | tr -d '\n')" \
    "$(seq 0 $((shards - 1)) | sed 's/^/"shard": /' | tr -d '\n')"
is_kept() { [ "$(property NFileDescriptorStore)" -ge $((5 * shards + 1)) ]; }
check "systemd keeps their channels, and the routes" within 5 is_kept
since=$(date +%s%N)
machine kill -KILL "$pid"
quietly machine wisp ping --count 1 --timeout 20000
pinged=$?
check "kill -9: a ping straight after is answered, in $(milliseconds_since "$since") ms" equal $pinged 0
check "by another process, started by Restart=" within 5 has_restarted 1

check "which goes on with the channels: $(journal | grep 'go on, after' | tail -1)" \
    like "$(machine wisp status --json)" "*\"resumed\": $shards,*"

# When systemd says that the watchdog has heard nothing.
ended_since() {
    machine journalctl -q --no-pager -o short-unix -u wispd.service | awk -v since="$1" \
        '/Watchdog timeout/ { last = $1 } END { printf "%.0f ms", last * 1000 - since / 1000000 }'
}

check "the unit has a watchdog" like "$(property WatchdogUSec)" '[1-9]*s'
drop_in wispd.service '[Service]' WatchdogSec=1s
machine systemctl restart wispd.service
pid=$(property MainPID)
since=$(date +%s%N)
machine kill -STOP "$pid"
within 10 has_restarted 1
check "SIGSTOP: the watchdog (1 s) has it restarted after $(milliseconds_since "$since") ms, ended after $(ended_since "$since")" has_restarted 1
check "and the journal says why" like "$(journal)" '*Watchdog timeout*'

# Each thread that clients wait for, alone, while all the others go on. The watchdog is told nothing from when it stops.
restarts=1
held_is_replaced() {
    local name=$1 nth=$2 thread
    thread=$(machine sh -c "cd /proc/$(property MainPID)/task && grep -lx $name */comm | sed -n ${nth}p")
    machine /srv/wispd-hold "${thread%/comm}" >"$MACHINE_WORK/hold.log" 2>&1 &
    within 5 grep -q held "$MACHINE_WORK/hold.log" || { cat "$MACHINE_WORK/hold.log"; return 1; }
    since=$(date +%s%N)
    restarts=$((restarts + 1))
    within 10 has_restarted $restarts
}
watched() {
    local since=0
    held_is_replaced "$1" "$2"
    check "$1 $2 stopped alone: the watchdog has wispd restarted after $(milliseconds_since "$since") ms, ended after $(ended_since "$since")" \
        has_restarted $restarts
    check "and the journal names it" like "$(journal | grep 'is stuck' | tail -1)" "*$1*"
    within 5 machine wisp ping --count 1 >/dev/null
}
if [ "$shards" -gt 1 ]; then
    watched wispd-helper 1
    for i in $(seq "$shards"); do watched wispd-shard "$i"; done
fi
clients_end '* resubmitted 0*'

# ---- reloaded and rolled back, under a client that never stops asking

name_of() { machine wisp models --json | grep -o '"name": "[^"]*"' | sort | tr -d '\n'; }
machine cp "$config" "$config.good"
models_before=$(name_of)
clients_start
pid=$(property MainPID)
machine sh -c "printf '  - path: %s\n    name: more\n' $(machine sh -c 'ls /usr/share/wisp/models/oil.safetensors /usr/local/share/wisp/models/oil.safetensors 2>/dev/null') >>$config"
check "systemctl reload takes one model more" machine systemctl reload wispd.service
check "which is served, by the same process" like "$(property MainPID) $(name_of)" "$pid *\"more\"*"
check "and it is active" is_serving
machine sh -c "echo 'lgo: 1' >>$config"
check "a wrong configuration fails systemctl reload" sh -c "! nsenter -t $MACHINE_INIT -m -u -i -n -p -C -r -w systemctl reload wispd.service 2>/dev/null"
check "says why in the journal" like "$(journal)" "*wisp reload: $config:*: unknown key 'lgo'; did you mean 'log'?*"
check "and in its status: $(property StatusText)" like "$(property StatusText)" '*the last reload was refused: *'
check "and changes nothing" like "$(property ActiveState) $(property MainPID) $(name_of)" "active $pid *\"more\"*"
machine sed -i '$d' "$config"
as_user 65534 wisp reload >/dev/null 2>&1
check "nobody may reload" equal $? 77
check "rollback: what was served before is back" machine sh -c 'wisp rollback >/dev/null'
check "to the letter" equal "$(name_of)" "$models_before"
check "it is kept for the service alone" equal "$(machine stat -c '%a %U' /var/lib/wisp/kept /var/lib/wisp)" "700 wisp
755 root"
machine kill -KILL "$pid"
quietly machine wisp ping --count 1 --timeout 20000
check "a crash does not bring back what was rolled back from" equal "$(name_of)" "$models_before"
machine kill -HUP "$(property MainPID)"
is_back() { like "$(name_of)" '*"more"*' >/dev/null; }
check "SIGHUP serves what is configured" within 10 is_back
clients_end '*'
machine mv "$config.good" "$config"

# ---- fewer threads than it needs: all but the last one

few=$((shards + 3)) # by both limits: not every machine has the first
drop_in wispd.service '[Service]' TasksMax=$few LimitNPROC=$few
machine systemctl restart wispd.service 2>/dev/null
check "a service that may not start its threads says which limit to raise" \
    like "$(journal)" "*'s thread: Resource temporarily unavailable: *raise TasksMax=*"
drop_in wispd.service
machine systemctl restart wispd.service
check "with as many as it wants it serves" quietly machine wisp ping

finish() {
    machine systemctl stop wispd.socket wispd.service
    check "stops cleanly" equal "$(property ActiveState) $(property Result) $(property ExecMainStatus)" "inactive success 0"
    check "nothing of it is left: no process, no folder, no shared memory" \
        empty "$(machine sh -c 'ps -u wisp -o comm=; ls -d /run/wisp 2>/dev/null; ls -A /dev/shm')"
}
if [ "$shards" -gt 1 ]; then
    finish
    power_off
fi

# ---- where io_uring is forbidden

steady_log=$MACHINE_WORK/steady.log
drop_in wispd.service '[Service]' 'SystemCallFilter=~io_uring_setup'
machine systemctl restart wispd.service
check "without io_uring: $(property StatusText)" like "$(property StatusText)" '*epoll*'
check "it answers all the same" quietly machine wisp ping

# ---- quotas are per user: the daemon sees who a client is

machine sed -i 's/^limits:/limits:\n  channels_per_user: 1/' "$config"
machine systemctl restart wispd.service
as_user 1 /srv/wisp-steady image >"$steady_log" 2>&1 &
steady=$!
check "a user's only channel is taken" within 5 grep -q '^steady' "$steady_log"
as_user 1 wisp ping --timeout 500 >/dev/null 2>&1
check "the same user gets no second one" equal $? 75
check "but is told how things stand" like "$(as_user 1 wisp status --json 2>&1)" '*"channels": 1,*"turned_away": [1-9]*'
check "another user gets one" quietly as_user 2 wisp ping
machine kill -TERM "$(machine pidof wisp-steady)"
wait $steady

# ---- kept to a group, as docs/operations.md says

drop_in wispd.socket '[Socket]' SocketMode=0660 SocketGroup=wisp
machine systemctl restart wispd.socket wispd.service
as_user 1 wisp ping >/dev/null 2>&1
check "a socket of a group: others are denied" equal $? 77
check "its members are not" quietly machine setpriv --reuid=1 --regid=1 --groups="$(machine id -g wisp)" wisp ping

# ---- what the check calls good does start, and nothing else

machine cp "$config" "$config.good"
model=$(machine sh -c "ls /usr/share/wisp/models/*.safetensors /usr/local/share/wisp/models/*.safetensors 2>/dev/null | head -1")
# agrees TEXT PATH MODE OWNER VERDICT: with one model more, a copy there, check and service say the same.
agrees() {
    local text=$1 path=$2 mode=$3 owner=$4 expected=$5 checked served=0
    machine sh -c "cp $config.good $config && printf '  - path: %s\n    name: more\n' $path >>$config &&
        mkdir -p \$(dirname $path) && cp $model $path && chmod $mode $path && chown $owner $path"
    machine "$daemon" -t -q --config "$config" >/dev/null 2>&1
    checked=$?
    machine systemctl restart wispd.service 2>/dev/null || served=$(property ExecMainStatus)
    check "$text: the check says $checked, the service $served" equal "$checked $served" "$expected $expected"
    machine systemctl reset-failed wispd.service 2>/dev/null
}
agrees "a model that all may read" /var/lib/wisp/models/a.safetensors 0644 root 0
agrees "one of the service's own" /var/lib/wisp/models/b.safetensors 0640 root:wisp 0
agrees "one of root alone" /var/lib/wisp/models/c.safetensors 0600 root 78
agrees "one in /home" /home/d.safetensors 0644 root 78
agrees "one in root's home" ~root/e.safetensors 0644 root 78
agrees "one in /tmp" /tmp/f.safetensors 0644 root 78
agrees "one in /var/tmp" /var/tmp/g.safetensors 0644 root 78

# ---- a configuration that cannot be read is not tried for ever

not_tried_again() {
    machine systemctl restart wispd.service 2>/dev/null
    sleep 0.5
    equal "$(property NRestarts) $(property ExecMainStatus) $(property SubState)" "0 78 failed"
}
machine chmod 0600 "$config"
check "a configuration that wisp may not read is tried once" not_tried_again
check "and the journal says what to do" like "$(journal)" "*user wisp may not read it (mode 0600): chmod a+r $config*"
machine rm "$config"
check "a missing one too" not_tried_again
machine mkdir "$config"
check "and a folder in its place" not_tried_again
machine rmdir "$config"
machine mv "$config.good" "$config"
machine systemctl reset-failed wispd.service wispd.socket
machine systemctl start wispd.socket wispd.service
check "with the good one it serves again" quietly machine wisp ping

# ---- stopped

finish

# ---- misconfigured

machine sed -i 's/^log:/lgo:/' "$config"
machine systemctl start wispd.service 2>/dev/null
check "a wrong configuration is refused with its place" like "$(journal)" "*$config:*: unknown key 'lgo'; did you mean 'log'?*"
sleep 0.5
check "and not tried again" equal "$(property ExecMainStatus) $(property SubState)" "78 failed"
machine systemctl stop wispd.socket
power_off

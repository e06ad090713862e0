#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# test_upgrade.sh PACKAGES    the packages of that folder installed into a machine with a real systemd, and the next version over them while clients ask:
# one that never stops, and one after the other that come anew. No call fails, no answer differs, and the channel goes on. The same back to the version
# before, and gone. A line a check; exit status 77 where no machine can be booted, or what the packages want is not on this one.
# shellcheck disable=SC2154  # service.sh sets what is not set here
. "$(dirname "$(readlink -f "$0")")/service.sh"
. "$here/../fresh/next_version.sh"

machine_init
packages=$MACHINE_WORK/packages tree=$MACHINE_WORK/tree
mkdir -p "$packages"/{this,next} "$tree/srv"
cp "$1"/*.deb "$packages/this" && next_version "$packages/this" "$packages/next" || exit 1
cp -r "$source_dir"/{base,examples} "$here/steady.c" "$tree/srv"

machine_boot "$tree" "$packages" || exit 1
machine rm -f /usr/sbin/policy-rc.d # which keeps packages from starting anything in an image of a container
installs() { machine sh -c "DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --force-confold --force-downgrade -i $packages/$1/*.deb" >"$MACHINE_WORK/dpkg.log" 2>&1; }
version() { machine dpkg-query -W -f '${Version}' wispd; }

if ! installs this; then
    ! grep -q 'is not installed' "$MACHINE_WORK/dpkg.log" || { grep 'is not installed' "$MACHINE_WORK/dpkg.log" >&2; exit 77; }
    cat "$MACHINE_WORK/dpkg.log"
    exit 1
fi
check "installed, the socket is enabled, and active" \
    equal "$(machine systemctl is-enabled wispd.socket) $(machine systemctl is-active wispd.socket)" "enabled active"
check "a client compiles against libwisp-dev" machine sh -c 'cc -D_GNU_SOURCE -O1 -I/srv /srv/steady.c -lwisp -o /srv/steady'
check "and gets an answer" like "$(as_user 65534 wisp run image --json /srv/examples/picture.png 2>&1)" '*"label"*'

# Everybody who comes while it is changed, each a program of its own.
come_anew() {
    machine sh -c 'touch /run/coming; came=0
        while [ -e /run/coming ]; do
            wisp ping --count 1 --timeout 10000 >/dev/null || echo "after $came pings: exit status $?"
            came=$((came + 1))
        done
        echo "$came came"' >"$MACHINE_WORK/pings.log" 2>&1
}
is_kept() { [ "$(property NFileDescriptorStore)" -ge 6 ]; }

# changes VERSION FOLDER: all of it, under clients.
changes() {
    local pid pings steady said resumed
    as_user 65534 /srv/steady image >"$MACHINE_WORK/steady.log" 2>&1 &
    steady=$!
    check "a client is served" within 10 grep -q '^steady' "$MACHINE_WORK/steady.log"
    check "systemd keeps its channel" within 5 is_kept
    pid=$(property MainPID)
    come_anew &
    pings=$!
    check "dpkg takes version $1" installs "$2"
    check "which is there" equal "$(version)" "$1"
    check "and serves, by another process" like "$([ "$(property MainPID)" != "$pid" ] && is_serving && echo yes)" yes
    resumed=$(machine wisp status --json)
    check "which goes on with the channel" like "$resumed" '*"resumed": 1,*'
    sleep 0.5
    machine rm /run/coming
    wait $pings
    check "who came meanwhile was served: $(tail -1 "$MACHINE_WORK/pings.log")" empty "$(grep -v ' came$' "$MACHINE_WORK/pings.log")"
    machine sh -c 'kill -TERM $(pidof steady)'
    wait $steady
    check "no call failed, no answer differed" equal $? 0
    said=$(tail -1 "$MACHINE_WORK/steady.log")
    check "and the library had nothing to send again: $said" like "$said" '* resubmitted 0*'
}
changes 0.1.1 next
changes 0.1.0 this
check "it is purged" quietly machine sh -c "dpkg --purge \$(dpkg-query -W -f '\${Package}\n' 'wisp*' 'libwisp*')"
check "and nothing of it runs, listens or stays" empty "$(machine sh -c 'ps -u wisp -o comm= 2>/dev/null; pidof wispd
    ls -d /run/wisp /etc/wisp /usr/sbin/wispd /usr/bin/wisp* /etc/systemd/system/*/wispd* 2>/dev/null')"
power_off

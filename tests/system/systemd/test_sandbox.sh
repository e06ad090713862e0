#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Each directive of the unit's sandbox, taken out alone: a probe in the place of wispd then can do what it is not to, or the
# directive stands below, with what forbids the same besides. So nothing can go from the unit unseen, and nothing is believed of
# a line that does nothing here.
# Exit status 77 where no machine can be booted, or only one without control groups of its own, as in a fresh system within another:
# there some directives do nothing.
# shellcheck disable=SC2154  # service.sh sets what is not set here
. "$(dirname "$(readlink -f "$0")")/service.sh"
machine_hierarchy >/dev/null || exit 77

# What no probe sees where it is taken out alone, and why. A line that a probe does see is not to stand here.
implied="\
NoNewPrivileges=yes: systemd sets it for a user without CAP_SYS_ADMIN that has a filter of calls
CapabilityBoundingSet=: User=wisp has none, and NoNewPrivileges= lets it gain none
AmbientCapabilities=: none is the default
KeyringMode=private: the default of a service; the filter of calls leaves no way to ask for another
RemoveIPC=yes: what PrivateIPC= makes goes with it
RestrictRealtime=yes: without CAP_SYS_NICE and LimitRTPRIO= nobody may
PrivateNetwork=yes: the machine has no network but loopback; test_unit.sh looks whether it is another one
IPAddressDeny=any: RestrictAddressFamilies= and PrivateNetwork= leave no address
DevicePolicy=closed: PrivateDevices= sets it
PrivateMounts=yes: ProtectSystem= and its like need a mount namespace, and make it
ProtectClock=yes: it wants CAP_SYS_TIME, and the filter has no call for it
ProtectHostname=yes: it wants CAP_SYS_ADMIN, and the filter has no call for it
ProtectKernelLogs=yes: PrivateDevices= leaves no /dev/kmsg
ProtectKernelModules=yes: it wants CAP_SYS_MODULE, and the filter has no call for it
ProtectKernelTunables=yes: ProcSubset= leaves no /proc/sys, ProtectSystem= writes to no /sys"
# A kernel without the calls of 32 bits, or another processor's, has none to forbid.
[ -e /proc/sys/abi/vsyscall32 ] || implied+="
SystemCallArchitectures=native: this kernel knows the calls of one architecture"

service_install
cp "$binary_dir/tests/bin/wispd-probe" "$tree/srv/"
sandbox=$(sed -n '/^NoNewPrivileges=/,/^\[Install\]/p' "$tree$unit" | grep '^[A-Za-z]*=')
folder=$tree$(dirname "$unit")

# without NUMBER LINE: a unit by that number, with a probe in the place of wispd, that lacks the line.
without() {
    local probe=$folder/wispd-probe-$1.service
    grep -vxF -- "${2:-no such line}" "$tree$unit" >"$probe"
    mkdir "$probe.d"
    printf '[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nBindReadOnlyPaths=/srv/wispd-probe:%s\n' "$daemon" >"$probe.d/probe.conf"
}
without whole ''
number=0
while read -r line; do
    number=$((number + 1))
    without $number "$line"
done <<<"$sandbox"

machine_boot "$tree" "$source_dir" "$binary_dir" || exit 1
machine sh -c 'ldconfig && systemd-sysusers && systemd-tmpfiles --create' 2>/dev/null
machine mknod -m 666 /dev/mem c 1 3 # so that there is something to hide; it is only another /dev/null
machine ipcmk -M 4096 >/dev/null    # and a segment that everybody would see
machine sh -c 'systemctl start wispd-probe-*.service' 2>/dev/null
machine sh -c "systemctl start wispd-probe-whole $(seq -s ' ' -f 'wispd-probe-%g' $number)" 2>/dev/null

said() { machine journalctl -q --no-pager -o cat -u "wispd-probe-$1.service"; }
# The first of what it could do, or could not; one that was ended, or could not begin, has said nothing.
first() {
    local text
    text=$(said "$1")
    case $text in
    *' probes, '*) sed -n 's/^FAIL \([^:]*\):.*/\1/p' <<<"$text" | head -n 1 ;;
    *'Main process exited'* | *'Failed with result'*) echo "nothing runs there" ;;
    esac
}

check "the whole unit: $(said whole | grep ' probes, ')" like "$(said whole)" '* 0 failed*'
number=0
while read -r line; do
    number=$((number + 1))
    seen=$(first $number)
    reason=$(sed -n "s/^$(printf '%s' "$line" | sed 's/[][\\.*^$/]/\\&/g'): //p" <<<"$implied")
    if [ -n "$reason" ]; then
        check "without $line nothing changes: $reason" empty "$seen"
    else
        check "without $line: $seen" [ -n "$seen" ]
    fi
done <<<"$sandbox"
power_off

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The two commands of the README as a newcomer runs them: in a Debian 12 that has nothing, and again, and again. Exits 77 where there
# can be no such system, and says why.
set -u
export LC_ALL=C.UTF-8
here=$(dirname "$(readlink -f "$0")")
. "$here/debian.sh"
debian_check || exit 77

failed=0
complain() {
    echo "test_fresh: $*"
    failed=1
}
# What stands in the system's clone and what is installed: a repeated run leaves it as it is, but for its own log and the notes of ninja.
state() {
    debian sh -c 'find . -type f -not -name demo.log -not -name ".ninja_*" -not -path "./build/test/*" -printf "%p %s %T@\n" | sort
        dpkg-query -W -f "\${Package} \${Version}\n"'
}
# timed TEXT COMMAND…: shows what it said when it fails.
timed() {
    local text=$1 begun=$SECONDS log
    shift
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        echo "$text: passed in $((SECONDS - begun)) s"
    else
        tail -n 60 "$log"
        complain "$text failed"
    fi
    said=$(cat "$log")
    rm -f "$log"
}

debian_start "$here/../../.." || exit 1
[ -z "$(debian sh -c 'command -v gcc cmake git')" ] || complain "the system is not pristine"

timed "./scripts/demo" debian ./scripts/demo
for answer in "Ankle boot" "de   " "seven"; do
    [[ $said == *"$answer"* ]] || complain "the demo does not answer '$answer'"
done
debian sh -c './scripts/demo | head -n 3' >/dev/null 2>&1
left=$(debian sh -c 'ls -d /tmp/wisp-demo.*' 2>/dev/null)
[ -z "$left" ] || complain "a demo whose reader goes away leaves $left"
before=$(state)
for again in second third; do
    timed "./scripts/demo, a $again time" debian ./scripts/demo
    [[ $said == *"packages for 'build' are installed"* ]] || complain "a $again demo installs something"
done
after=$(state)
[ "$before" = "$after" ] || complain "a repeated demo changes: $(diff <(echo "$before") <(echo "$after") | head -n 10)"

before=$(state)
# What takes long and asks nothing of the system but a compiler has been run by ci: two processors take four minutes for it.
long='^(test_forge_.*|test_ring|test_lstm|test_gru|check_.*|kernels_aarch64|claim|test_weighted|test_picture|test_draw_seeds|digests|structure_verbs|bench_structures|types|types_trained|pictures|gan|transformer|recurrent|resnet|faults|other_versions|test_kept_channels.*|remote|test_bench|test_endings|test_reload.*|test_quota.*)$'
timed "./scripts/test quick" debian env "WISP_TESTS_LEFT_OUT=$long" ./scripts/test quick
[[ $said == *"100% tests passed"* ]] || complain "no '100% tests passed' in what ./scripts/test quick prints"
after=$(state)
# Whatever it builds and keeps is below build; packages it may install.
changed=$(diff <(echo "$before") <(echo "$after") | grep '^[<>] \./' | grep -v '^[<>] \./build/')
[ -z "$changed" ] || complain "a test changes: $(head -n 10 <<<"$changed")"
# The other steps look at something there, too, and find everything installed.
timed "./scripts/test format shell man" debian ./scripts/test format shell man
[[ $said == *"packages for 'test' are installed"* ]] || complain "a second test installs something"

[ $failed = 0 ] && echo "test_fresh: both commands pass on a fresh Debian 12"
exit $failed

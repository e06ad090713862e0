#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# other_versions.sh BUILD    programs and daemons of an earlier wisp beside today's, as they meet after an upgrade that restarted only one of the two
#
# What is earlier is made from the history: a state that spoke the ABI of today, with the fewest features that there ever were of it. It is compiled
# once, below BUILD/earlier, and kept. Exits 77, and says why, where the history is not there (an archive, a shallow clone) or the state is without
# a library that it needs. Who speaks another ABI altogether is tried by test_handshake and test_connect, which say its bytes.
set -u
export LC_ALL=C.UTF-8
commit=a3573e8f # features: notify, timings, cancel, asking
build=$(readlink -f "$1")
source=$(readlink -f "$(dirname "$0")/../../..")
kept=$build/earlier/$commit
git -C "$source" cat-file -e "$commit^{commit}" 2>/dev/null || { echo "no history here: $commit is not there"; exit 77; }

# In a folder of its own until all of it is there: who is stopped leaves nothing half.
make_kept() {
    local making
    making=$(mktemp -d "$build/earlier/making.XXXXXX") || return
    mkdir "$making/source"
    git -C "$source" archive "$commit" | tar -x -C "$making/source" || return
    cmake -G Ninja -S "$making/source" -B "$making/build" -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE= -DCMAKE_C_FLAGS="-O1 -w" || { rm -rf "$making"; return 77; }
    cmake --build "$making/build" -j 2 --target wispd wisp-cli || return
    mkdir -p "$making/done/models"
    # A program finds its library where it was linked; that is where it goes.
    cp "$making"/build/bin/wisp "$making"/build/bin/wispd "$making/done"
    cp -P "$making"/build/lib/libwisp.so* "$making/done"
    cp "$making"/source/models/{fashion,langid}.safetensors "$making/done/models"
    mv "$making/done" "$kept" && rm -rf "$making"
}
mkdir -p "$build/earlier"
exec 8>"$build/earlier/lock"
flock 8
if [ ! -d "$kept" ]; then
    rm -rf "$build"/earlier/making.*
    make_kept >"$build/earlier/log" 2>&1
    made=$?
    [ $made != 77 ] || { echo "wisp of $commit cannot be configured here: $build/earlier/log"; exit 77; }
    [ $made = 0 ] || { tail -n 20 "$build/earlier/log"; exit 1; }
fi
exec 8>&-

failed=0
complain() {
    echo "other_versions: $*" >&2
    failed=1
}
work=$(mktemp -d)
daemon=
stop() {
    [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } 2>/dev/null
    daemon=
}
trap 'stop; rm -rf "$work"' EXIT
export WISP_SOCKET=$work/wisp.sock XDG_RUNTIME_DIR=$work XDG_CACHE_HOME=$work

earlier() { LD_LIBRARY_PATH=$kept "$kept/wisp" "$@"; }
today() { "$build/bin/wisp" "$@"; }
start() { # WISPD…: as it is by default, with two models
    "$@" --socket "$WISP_SOCKET" --model "$kept/models/fashion.safetensors" --model "$kept/models/langid.safetensors" -l warning 2>"$work/log" &
    daemon=$!
    for _ in $(seq 600); do
        ! today ping -c 1 -t 1000 >/dev/null 2>&1 || return 0
        kill -0 $daemon 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/log" >&2
    complain "$1 does not start"
    exit 1
}
answers() { # WISP: labels and probabilities of a picture and of a text, without what differs from one time to the next
    "$1" run --json fashion "$source/examples/picture.png" && "$1" run --json langid "$source/examples/sentence.txt"
}
labels() { sed -E 's/.*"labels":(\[[^]]*\]).*/\1/'; }

meet() { # WHO: what every program does with every daemon, and gets the same
    local who=$1 said
    $who ping -c 3 >/dev/null || complain "$2: ping"
    [ "$($who models | grep -cE '^\*? *(fashion|langid) ')" = 2 ] || complain "$2: models: $($who models 2>&1)"
    $who status | grep -q '^ *channels ' || complain "$2: status"
    said=$(answers $who 2>&1 | labels)
    [[ $said == *"Ankle boot"* && $said == *'"de"'* ]] || complain "$2: run: $said"
    echo "$said" >"$work/$2"
}

start "$build/bin/wispd"
meet earlier earlier-beside-today
meet today today-beside-today
stop
start "$kept/wispd"
meet earlier earlier-beside-earlier
meet today today-beside-earlier
# What the daemon of before has not, it is not asked for: a sentence, and nothing that hangs or breaks.
for verb in reload rollback stats clients doctor; do
    said=$(today $verb 2>&1) && complain "today's $verb of an earlier daemon succeeds: $said"
    [[ $said == *"of a version that cannot do that"* ]] || complain "today's $verb of an earlier daemon: $said"
done
today ping -c 1 >/dev/null || complain "the earlier daemon serves no more"
[ ! -s "$work/log" ] || complain "the earlier daemon complains: $(cat "$work/log")"
stop

for other in earlier-beside-today today-beside-earlier earlier-beside-earlier; do
    cmp "$work/today-beside-today" "$work/$other" >&2 || complain "$other: other answers"
done
[ $failed != 0 ] || echo "other_versions: $commit and today's, both ways: the same answers"
exit $failed

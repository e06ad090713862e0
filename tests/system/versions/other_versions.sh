#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# other_versions.sh BUILD    programs and daemons of two earlier wisps beside today's, as they meet after an upgrade that restarted only one of the two
#
# What is earlier is made from the history: a state that spoke the ABI of today with the fewest features that there ever were of it, and one with all
# that there are. Each is compiled once, below BUILD/earlier, and kept. Exits 77, and says why, where the history is not there (an archive, a shallow
# clone) or a state is without a library that it needs. Who speaks another ABI altogether is tried by test_handshake and test_connect, which say its bytes.
#
# Programs are `wisp`, and two that are compiled against a state's headers and run with its library or with today's: steady.c, which never stops asking
# while daemons are killed, of the one version and of the other in turn, and several.c, of several inputs.
set -u
export LC_ALL=C.UTF-8
fewest=a3573e8f # features: notify, timings, cancel, asking; clients only had questions and requests
all=966829ba    # reload, sight and buffers, and models with several inputs
build=$(readlink -f "$1")
source=$(readlink -f "$(dirname "$0")/../../..")
for commit in $fewest $all; do
    git -C "$source" cat-file -e "$commit^{commit}" 2>/dev/null || { echo "no history here: $commit is not there"; exit 77; }
done

# In a folder of its own until all of it is there: who is stopped leaves nothing half.
make_kept() { # COMMIT
    local making
    making=$(mktemp -d "$build/earlier/making.XXXXXX") || return
    mkdir "$making/source"
    git -C "$source" archive "$1" | tar -x -C "$making/source" || return
    cmake -G Ninja -S "$making/source" -B "$making/build" -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE= -DCMAKE_C_FLAGS="-O1 -w" || { rm -rf "$making"; return 77; }
    cmake --build "$making/build" -j 2 --target wispd wisp-cli || return
    mkdir -p "$making/done/models"
    # A program finds its library where it was linked; that is where it goes.
    cp "$making"/build/bin/wisp "$making"/build/bin/wispd "$making/done"
    cp -P "$making"/build/lib/libwisp*.so* "$making/done"
    cp -r "$making"/source/{client,base}/include "$making/done"
    cp "$making"/source/models/{fashion,langid}.safetensors "$making/done/models"
    mv "$making/done" "$build/earlier/$1-with-headers" && rm -rf "$making"
}
mkdir -p "$build/earlier"
exec 8>"$build/earlier/lock"
flock 8
for commit in $fewest $all; do
    [ ! -d "$build/earlier/$commit-with-headers" ] || continue
    rm -rf "$build"/earlier/making.*
    make_kept $commit >"$build/earlier/log" 2>&1
    made=$?
    [ $made != 77 ] || { echo "wisp of $commit cannot be configured here: $build/earlier/log"; exit 77; }
    [ $made = 0 ] || { tail -n 20 "$build/earlier/log"; exit 1; }
done
exec 8>&-

failed=0
complain() {
    echo "other_versions: $*" >&2
    failed=1
}
work=$(mktemp -d)
daemon=
asking=()
stop() {
    [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } 2>/dev/null
    daemon=
}
trap 'stop; [ ${#asking[@]} = 0 ] || kill "${asking[@]}" 2>/dev/null; rm -rf "$work"' EXIT
export WISP_SOCKET=$work/wisp.sock XDG_RUNTIME_DIR=$work XDG_CACHE_HOME=$work XDG_STATE_HOME=$work

earlier() { LD_LIBRARY_PATH=$kept "$kept/wisp" "$@"; }
today() { "$build/bin/wisp" "$@"; }
start() { # WISPD…: as it is by default, with models
    local model words=()
    for model in "$work"/models/*.safetensors; do words+=(--model "$model"); done
    "$@" --socket "$WISP_SOCKET" "${words[@]}" -l warning 2>"$work/log" &
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

# ---- programs of its own of each

compile() { # NAME HEADERS LIBRARY-FOLDER FLAG…
    local name=$1 headers=$2 libraries=$3
    shift 3
    cc -D_GNU_SOURCE -O1 "$@" $headers -I"$source" -L"$libraries" -lwisp -o "$work/$name" || complain "$name does not compile"
}
programs() { # of $kept, in which wisp_timings may have another name
    local headers="-I$source/client/include -I$source/base/include" before
    before=-Dwisp_timings=$(sed -n '/^void wisp_request_.*, struct \(wisp_[a-z]*\) .*/{s//\1/p;q}' "$kept/include/wisp/wisp.h")
    compile steady-today "$headers" "$build/lib" "$source/tests/system/systemd/steady.c"
    compile steady-earlier "-I$kept/include" "$kept" "$before" "$source/tests/system/systemd/steady.c"
    [ $commit = $all ] || return
    compile several-earlier "-I$kept/include" "$kept" "$source/tests/system/versions/several.c"
}
with_today() { LD_LIBRARY_PATH=$build/lib "$@"; }
with_earlier() { LD_LIBRARY_PATH=$kept "$@"; }

# A client of before, with its library and with today's, and one of today: each asks until it is told to stop.
begin_asking() {
    LD_LIBRARY_PATH=$kept "$work/steady-earlier" fashion >"$work/asks-0" 2>&1 & asking=($!)
    LD_LIBRARY_PATH=$build/lib "$work/steady-earlier" fashion >"$work/asks-1" 2>&1 & asking+=($!)
    LD_LIBRARY_PATH=$build/lib "$work/steady-today" fashion >"$work/asks-2" 2>&1 & asking+=($!)
    for _ in $(seq 100); do
        [ "$(grep -l '^steady' "$work"/asks-* | wc -l)" != 3 ] || return 0
        sleep 0.1
    done
    complain "not all three are answered: $(cat "$work"/asks-*)"
}
end_asking() { # TEXT
    local i
    for i in 0 1 2; do
        kill -TERM "${asking[$i]}"
        wait "${asking[$i]}" || complain "$1: client $i: $(cat "$work/asks-$i")"
    done
    asking=()
}
instead() { # WISPD: kill -9, and that one in its place
    kill -KILL $daemon && wait $daemon 2>/dev/null
    start "$1"
    today ping -c 3 >/dev/null || complain "$1 does not answer after the one before was killed"
    sleep 0.3
}

# ---- what both can do

same_answers() {
    start "$build/bin/wispd"
    meet earlier earlier-beside-today
    meet today today-beside-today
    stop
    start "$kept/wispd"
    meet earlier earlier-beside-earlier
    meet today today-beside-earlier
    [ $commit != $fewest ] || lacks
    [ ! -s "$work/log" ] || complain "the earlier daemon complains: $(cat "$work/log")"
    stop
    local other
    for other in earlier-beside-today today-beside-earlier earlier-beside-earlier; do
        cmp "$work/today-beside-today" "$work/$other" >&2 || complain "$other: other answers"
    done
}
# What the daemon of before has not, it is not asked for: a sentence, and nothing that hangs or breaks.
lacks() {
    local verb said
    for verb in reload rollback stats clients doctor; do
        said=$(today $verb 2>&1) && complain "today's $verb of an earlier daemon succeeds: $said"
        [[ $said == *"of a version that cannot do that"* ]] || complain "today's $verb of an earlier daemon: $said"
    done
    today ping -c 1 >/dev/null || complain "the earlier daemon serves no more"
}
killed_in_turn() {
    start "$kept/wispd"
    begin_asking
    instead "$build/bin/wispd"
    instead "$kept/wispd"
    instead "$build/bin/wispd"
    end_asking "daemons of $commit and of today killed in turn"
    stop
}
# reloaded WISPD PROGRAM…: three times, with another file of the same model that nobody asks, and of what is asked nothing new.
reloaded() {
    local wispd=$1 who
    shift
    start "$wispd"
    begin_asking
    for who in "$@"; do
        cp "$work/models/langid.safetensors" "$work/new" && mv "$work/new" "$work/models/langid.safetensors"
        $who reload >/dev/null 2>"$work/said" || complain "$who reload of $wispd: $(cat "$work/said")"
    done
    end_asking "$wispd reloaded"
    stop
}
several_inputs() {
    local daemon_of said first=
    for daemon_of in "$build/bin/wispd" "$kept/wispd"; do
        start "$daemon_of"
        for said in "$(with_today "$build/tests/bin/wisp-several" two)" "$(with_today "$work/several-earlier" two)" "$(with_earlier "$work/several-earlier" two)"; do
            [[ $said == "class "*"marks "* ]] || complain "several inputs of $daemon_of: $said"
            [ "${first:=$said}" = "$said" ] || complain "several inputs of $daemon_of: other answers: $first, $said"
        done
        stop
    done
}

cat >"$work/two.yaml" <<'END'
name: two
processing: image.classification
inputs:
  facts: [11]
  picture: {shape: [3, 5, 5], dtype: uint8, scale: 0.00392156886}
outputs:
  class: {from: class}
  marks: {from: marks, dtype: int32, scale: 1000}
layers:
- linear: {name: hidden, from: picture, neurons: 9}
- relu: {name: marks}
- linear: {name: scores, from: facts, neurons: 4}
- softmax: {name: class}
END
for commit in $fewest $all; do
    kept=$build/earlier/$commit-with-headers
    rm -rf "$work/models"
    cp -r "$kept/models" "$work/models"
    same_answers
    programs
    killed_in_turn
    if [ $commit = $fewest ]; then
        reloaded "$build/bin/wispd" today today
    else
        reloaded "$build/bin/wispd" today earlier
        reloaded "$kept/wispd" today earlier
        "$build/bin/wisp-forge" build --structure "$work/two.yaml" --sparsity 0.4 --seed 5 --no-history -o "$work/models/two.safetensors" >/dev/null ||
            complain "no model with several inputs"
        several_inputs
    fi
done
[ $failed != 0 ] || echo "other_versions: $fewest, $all and today's, both ways: the same answers, through kills and reloads"
exit $failed

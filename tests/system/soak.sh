#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# soak.sh BUILD-FOLDER SECONDS [PIECES]: a daemon under an open load, with clients that come and go. Every answer of theirs is
# compared with the first one, and the daemon's memory after a tenth of the time with that at the end.
#
# PIECES is a file with a line for each piece of the time that has run, rewritten every five seconds: seconds, clients, wrong answers,
# KiB after a tenth, KiB now. A run that was stopped goes on with what is left of the time, by a daemon of its own; memory is
# compared within a piece, of those that are longer than a tenth.
#
#   WISP_SOAK_RATE   requests a second beside the clients (1000)
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$PWD/$1 seconds=$2 rate=${WISP_SOAK_RATE:-1000}
folder=$(mktemp -d)
pieces=${3:-$folder/pieces}
daemon='' load=''
trap 'kill $load $daemon 2>/dev/null; wait 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
export WISP_SOCKET=$folder/wisp.sock

# The sum of a column of all pieces; of the pieces before, where this one is not among them yet.
sum() { awk -v column="$1" '{ all += $column } END { print all + 0 }' "$pieces"; }

# Whether all of it is as it should be, and a few lines about that.
assess() {
    echo "$(sum 1) s in $(wc -l <"$pieces") pieces: $(sum 2) clients came and went beside $rate requests a second, $(sum 3) wrong answers"
    awk '$4 { print "memory of a piece of " $1 " s: " $4 " KiB after a tenth, " $5 " KiB at the end" }' "$pieces"
    [ "$(sum 3)" = 0 ] && [ "$(sum 2)" -gt 0 ] && awk '$4 && $5 > $4 + 256 { grew = 1 } END { exit grew }' "$pieces"
}

touch "$pieces"
ran=$(sum 1) before=$(cat "$pieces")
[ "$ran" -lt "$seconds" ] || { assess; exit; }

# What is built anew beside it is nothing to it.
cp -L "$build/bin/wispd" "$build/bin/wisp" "$build"/lib/libwisp*.so.0 models/fashion.safetensors models/digits.safetensors examples/picture.png "$folder" || exit 1
export LD_LIBRARY_PATH=$folder
"$folder/wispd" --socket "$WISP_SOCKET" --model "$folder/fashion.safetensors" --model "$folder/digits.safetensors" 2>"$folder/log" &
daemon=$!
for _ in $(seq 300); do "$folder/wisp" ping --count 1 >/dev/null 2>&1 && break; sleep 0.1; done
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status"; }
things() { echo "$(find "/proc/$daemon/fd" | wc -l) descriptors, $(find "/proc/$daemon/task" -maxdepth 1 -mindepth 1 | wc -l) threads"; }
answer() { "$folder/wisp" run fashion "$folder/picture.png" --json | sed 's/,"total_ns".*//'; }

left=$((seconds - ran))
"$folder/wisp" bench -m fashion --request-rate-range "$rate:$rate:1" -p $(((left + 10) * 1000)) -r 1 --stability-percentage 100 >"$folder/bench" 2>&1 &
load=$!
first=$(answer)
[ -n "$first" ] || { echo "no answer at all: $(tail -n 1 "$folder/log")" >&2; exit 1; }
began=$SECONDS asked=0 wrong=0 warm=0 noted=0 idle=

# This piece's line, behind those before it; whoever stops it finds the one or the other.
note() {
    { [ -z "$before" ] || echo "$before"; echo "$1 $asked $wrong $warm $(rss)"; } >"$pieces.new" && mv "$pieces.new" "$pieces"
}

while now=$((SECONDS - began)) && [ "$now" -lt "$left" ]; do
    asked=$((asked + 1))
    [ "$(answer)" = "$first" ] || wrong=$((wrong + 1))
    [ "$now" -lt $((seconds / 10)) ] || [ "$warm" != 0 ] || { warm=$(rss) idle=$(things); }
    [ "$now" -lt $((noted + 5)) ] || { note "$now"; noted=$now; }
    kill -0 "$load" 2>/dev/null || { echo "the load has ended: $(tail -n 1 "$folder/bench")" >&2; exit 1; }
    sleep 0.2
done
note "$left"
kill -0 "$daemon" || exit 1
failed=$("$folder/wisp" status --json | awk '/"(refused|late|cancelled|turned_away)"/ && $2 + 0 { print }')
[ -z "$failed" ] || { echo "of the requests: $failed" >&2; exit 1; }
echo "$idle after a tenth, $(things) at the end"
assess

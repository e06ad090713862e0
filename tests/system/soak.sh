#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# soak.sh BUILD-FOLDER SECONDS: a daemon under an open load, with clients that come and go. Its memory is looked at after a
# tenth of the time and at the end, and every answer is compared with the first one.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$PWD/$1 seconds=$2
folder=$(mktemp -d)
trap 'kill "$daemon" 2>/dev/null; rm -rf "$folder"' EXIT
export WISP_SOCKET=$folder/wisp.sock

"$build/bin/wispd" --socket "$WISP_SOCKET" --model models/fashion.safetensors --model models/digits.safetensors 2>"$folder/log" &
daemon=$!
for _ in $(seq 100); do "$build/bin/wisp" ping --count 1 >/dev/null 2>&1 && break; sleep 0.1; done
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status"; }
things() { echo "$(find "/proc/$daemon/fd" | wc -l) descriptors, $(find "/proc/$daemon/task" -maxdepth 1 | wc -l) threads"; }
answer() { "$build/bin/wisp" run fashion examples/picture.png --json | sed 's/,"total_ns".*//'; }

"$build/bin/wisp" bench -m fashion --concurrency-range 8:8:1 -p $((seconds * 1000)) -r 1 --stability-percentage 100 >"$folder/bench" 2>&1 &
load=$!
first=$(answer)
began=$SECONDS asked=0 wrong=0 warm=0
while [ $((SECONDS - began)) -lt "$seconds" ]; do
    asked=$((asked + 1))
    [ "$(answer)" = "$first" ] || wrong=$((wrong + 1))
    [ $((SECONDS - began)) -lt $((seconds / 10)) ] || [ $warm != 0 ] || { warm=$(rss); before=$(things); }
done
kill $load 2>/dev/null
wait $load 2>/dev/null
end=$(rss)
grep -E "^ *8 |requests" "$folder/bench" | head -3
echo "$seconds s: $asked clients came and went, $wrong wrong answers; memory $warm KiB after a tenth, $end KiB at the end; $before, $(things)"
"$build/bin/wisp" status --json
[ $wrong = 0 ] && [ "$asked" -gt 0 ] && [ $((end - warm)) -le 256 ]

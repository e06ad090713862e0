#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# reproducible.sh SOURCE [TARGET…]    the last commit built twice, in folders of other names and depths: what is installed is the same to the byte. With
# TARGETs, what those make. Each compiles everything anew: a step of scripts/reliability. Exits 77 where there is no history to take it from.
set -euo pipefail

source=$(readlink -f "$1")
shift
git -C "$source" rev-parse -q --verify HEAD >/dev/null || { echo "reproducible: no commit here" >&2; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CCACHE_DISABLE=1

make_one() { # NAME TREE TARGET…
    local name=$1 tree=$2
    shift 2
    mkdir -p "$tree"
    git -C "$source" archive HEAD | tar -C "$tree" -xf -
    cmake -S "$tree" --preset release >"$folder/$name.log"
    cmake --build "$tree/build/release" -j "$(nproc)" ${@:+--target "$@"} >>"$folder/$name.log"
    if [ $# = 0 ]; then
        DESTDIR=$folder/$name cmake --install "$tree/build/release" >/dev/null
    else
        mkdir "$folder/$name"
        find "$tree"/build/release/{bin,lib} -type f -exec cp -t "$folder/$name" {} + 2>/dev/null || true
    fi
    rm -rf "$tree"
}
make_one one "$folder/a" "$@"
make_one other "$folder/another/place/of/a/longer/name" "$@"

different=$(diff -rq "$folder/one" "$folder/other" || true)
[ -z "$different" ] || { sed "s#$folder/##g" <<<"$different" >&2; exit 1; }
count=$(find "$folder/one" -type f | wc -l)
[ "$count" -gt 0 ] || { echo "reproducible: nothing was made" >&2; exit 1; }
echo "reproducible: $count files are the same, $(du -sh "$folder/one" | cut -f 1)"

#!/bin/bash
# licences.sh BUILD: docs/licences.md has every library that the programs load, names nothing else, and nothing under the GPL
# alone is among what libwisp and wispd load.
set -euo pipefail

build=$1
list=$(dirname "$0")/../../docs/licences.md
grep -q '^VERSION_ID="12"' /etc/os-release || { echo "the list is Debian 12's; this is another system"; exit 77; }
failed=0
complain() {
    echo "licences: $*" >&2
    failed=1
}

# "SONAME|LICENCE|libwisp, wispd (indirectly)" of each row
rows=$(sed -nE 's/^\| (lib[^ ]+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$/\1|\2|\3/p' "$list")
[ -n "$rows" ] || complain "no rows in docs/licences.md"

# What the list says of one program, and what is so: "SONAME" or "SONAME (indirectly)", a line each.
listed() { awk -F'|' -v programs=" $* " '{ n = split($3, of, ", "); for (i = 1; i <= n; i++) {
    split(of[i], word, " "); if (index(programs, " " word[1] " ")) print $1 (word[2] ? " (indirectly)" : "") } }' <<<"$rows" | sort; }
loaded() {
    local direct
    direct=$(readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
    ldd "$1" | awk '$2 == "=>" && $1 !~ /^libwisp/ { print $1 }' | while read -r name; do
        grep -qxF "$name" <<<"$direct" && echo "$name" || echo "$name (indirectly)"
    done | sort
}
# Built with MPI, wisp-forge loads what stands there of it besides.
forge=wisp-forge
readelf -d "$build/bin/wisp-forge" | grep 'libmpi\.so' >/dev/null && forge='wisp-forge wisp-forge-with-MPI'
for pair in wispd:bin/wispd libwisp:lib/libwisp.so libwisp-media:lib/libwisp-media.so wisp-forge:bin/wisp-forge; do
    name=${pair%%:*}
    [ "$name" = wisp-forge ] && name=$forge
    # shellcheck disable=SC2086  # one name or two
    different=$(diff <(listed $name) <(loaded "$build/${pair#*:}") || true)
    [ -z "$different" ] || complain "${pair%%:*}: < is only in docs/licences.md, > is only loaded:" $'\n'"$different"
done

# wisp loads nothing that libwisp-media does not.
more=$(comm -13 <(loaded "$build/lib/libwisp-media.so" | sed 's/ .*//' | sort) <(loaded "$build/bin/wisp" | sed 's/ .*//' | sort))
[ -z "$more" ] || complain "wisp loads more than libwisp-media: $more"

alone=$(awk -F'|' '$2 ~ /^GPL/ && $2 !~ /exception/ && $3 ~ /libwisp|wispd/' <<<"$rows")
[ -z "$alone" ] || complain "under the GPL alone: $alone"
exit $failed

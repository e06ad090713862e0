#!/bin/bash
# hardening.sh BUILD: each program and library that is installed can be placed anywhere, has nothing that can be written and run, and
# no table of functions that can be written; the compiler guards its stack and its copies.
set -uo pipefail
export LC_ALL=C.UTF-8

build=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
DESTDIR=$folder cmake --install "$build" >/dev/null || exit 1

failed=0 looked=0
# wants FILE WHAT PATTERN TEXT: a line of TEXT matches.
wants() {
    grep -qE -- "$3" <<<"$4" || { echo "hardening: ${1#"$folder"}: $2" >&2; failed=1; }
}
lacks() {
    ! grep -qE -- "$3" <<<"$4" || { echo "hardening: ${1#"$folder"}: $2" >&2; failed=1; }
}

look_at() {
    local file=$1 head dynamic segments symbols
    head=$(readelf -hW "$file")
    dynamic=$(readelf -dW "$file")
    segments=$(readelf -lW "$file")
    symbols=$(readelf -W --dyn-syms "$file")
    wants "$file" "has one place alone" 'Type: +DYN' "$head"
    ! grep -q INTERP <<<"$segments" || wants "$file" "is no position-independent program" 'FLAGS_1.* PIE' "$dynamic"
    wants "$file" "its tables stay writable" GNU_RELRO "$segments"
    wants "$file" "its functions are looked up late" 'FLAGS.* (BIND_)?NOW' "$dynamic"
    wants "$file" "says nothing of its stack" 'GNU_STACK' "$segments"
    lacks "$file" "has what can be written and run" '(LOAD|GNU_STACK).* R?WE ' "$segments"
    lacks "$file" "its code is changed while it is loaded" TEXTREL "$dynamic"
    lacks "$file" "knows where it was built" "R(UN)?PATH.*($build|/work|/home|/root|/tmp)" "$dynamic"
    wants "$file" "nothing guards its stack" '__stack_chk_fail' "$symbols"
    wants "$file" "nothing guards its copies" '__(mem(cpy|move|set)|v?s(n)?printf|v?fprintf|str(n)?(cpy|cat)|read)_chk' "$symbols"
    looked=$((looked + 1))
}

while IFS= read -r -d '' file; do
    [ "$(head -c 4 "$file" | tr -d '\0')" != $'\177ELF' ] || look_at "$file"
done < <(find "$folder" -type f -print0)
[ $looked -ge 5 ] || { echo "hardening: only $looked programs and libraries are installed" >&2; failed=1; }
echo "hardening: $looked programs and libraries looked at"
exit $failed

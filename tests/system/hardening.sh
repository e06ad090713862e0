#!/bin/bash
# hardening.sh BUILD: each program and library that is installed can be placed anywhere, has nothing that can be written and run, and
# no table of functions that can be written; the compiler guards its stack and its copies, and says on x86 where jumps may land; and
# it does not name the folder where it was built.
set -uo pipefail
export LC_ALL=C.UTF-8

build=$(readlink -f "$1")
source=$(readlink -f "$(dirname "$0")/../..")
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
    lacks "$file" "finds libraries where it was built" "R(UN)?PATH.*($build|/work|/home|/root|/tmp)" "$dynamic"
    ! grep -qaF -e "$source/" -e "$build/" "$file" || { echo "hardening: ${file#"$folder"}: names the folder where it was built" >&2; failed=1; }
    wants "$file" "nothing guards its stack" '__stack_chk_fail' "$symbols"
    wants "$file" "nothing guards its copies" '__(mem(cpy|move|set)|v?s(n)?printf|v?fprintf|str(n)?(cpy|cat)|read)_chk' "$symbols"
    ! grep -q 'X86-64' <<<"$head" || [ "$(objdump -d --no-show-raw-insn "$file" | grep -c endbr64)" -ge 20 ] ||
        { echo "hardening: ${file#"$folder"}: nothing says where jumps may land" >&2; failed=1; }
    looked=$((looked + 1))
}

while IFS= read -r -d '' file; do
    [ "$(head -c 4 "$file" | tr -d '\0')" != $'\177ELF' ] || look_at "$file"
done < <(find "$folder" -type f -print0)
# With _FORTIFY_SOURCE=2 these would not be: no size in them is a constant.
! grep -q '^WISP_HAS_FORTIFY_3:.*=1' "$build/CMakeCache.txt" ||
    wants wisp "copies into what was allocated are not checked" '__(memcpy|read)_chk' "$(readelf -W --dyn-syms "$folder"/usr/*/bin/wisp)"
# The linker leaves the note out where the C library's own objects have none, which are Debian 12's: each of ours is asked.
if readelf -hW "$build/bin/wispd" | grep -q X86-64; then
    mapfile -t objects < <(grep -oE ' -o [^ ]*\.o ' "$build/compile_commands.json" | cut -d ' ' -f 3 | grep -vE '^(tests|bench|examples)/' | sed "s#^#$build/#")
    notes=$(readelf -nW "${objects[@]}" 2>/dev/null | awk '/^File: / { file = $2 } /x86 feature:.*IBT, SHSTK/ { print file }')
    bare=$(comm -13 <(sort -u <<<"$notes") <(ls "${objects[@]}" 2>/dev/null | sort))
    [ ${#objects[@]} -ge 100 ] && [ -z "$bare" ] || { echo "hardening: jumps may land anywhere in $(wc -l <<<"$bare") of ${#objects[@]} objects: $(head -n 3 <<<"$bare")" >&2; failed=1; }
fi

[ $looked -ge 5 ] || { echo "hardening: only $looked programs and libraries are installed" >&2; failed=1; }
echo "hardening: $looked programs and libraries looked at"
exit $failed

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tests/kernels/aarch64.sh SOURCE_DIR OUT_DIR    the tests of the kernels, compiled for aarch64 and run by qemu-user
#
# Of libraries it needs none but libc, so that no Debian of a foreign architecture is asked for: the few assertions are ours. Exits 77 where
# there is no compiler or no emulator, and says which.
set -eu
source=$1 out=$2
gcc=aarch64-linux-gnu-gcc run=qemu-aarch64
for tool in $gcc $run; do
    command -v $tool >/dev/null || { echo "no $tool: the kernels of aarch64 were not looked at"; exit 77; }
done

rm -rf "$out"
mkdir -p "$out/include"
# The header alone: its folder has another machine's libc.
header=$(echo '#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>' | gcc -M -x c - | tr ' \\' '\n\n' | grep '/cmocka\.h$')
ln -s "$header" "$out/include/"

cd "$source"
flags=(-std=gnu11 -O3 -ffp-contract=off -Wall -Wextra -Werror -D_GNU_SOURCE -DEMULATED '-DWISP_VERSION="test"' -I. -Itests -Ibase/include
    -I"$out/include")
common=()
for file in sparse/kernels/*.c sparse/kernels/formats/*.c sparse/tensor/*.c tests/support/few_asserts.c \
    base/{error,file,file_replace,memory,outcome,rng,status,suggest}.c; do
    case $file in
    */avx*.c) ;;
    *) common+=("$file") ;;
    esac
done
export out
compile() { # FILE FLAG…
    local file=$1
    shift
    aarch64-linux-gnu-gcc "$@" -c "$file" -o "$out/${file//\//_}.o"
}
export -f compile
printf '%s\0' "${common[@]}" | xargs -0 -P "$(nproc)" -I FILE bash -c 'compile "$@"' compile FILE "${flags[@]}"

ran=0
for test in tests/kernels/check_*.c; do
    name=$(basename "$test" .c)
    $gcc "${flags[@]}" -static "$test" "$out"/*.o -lm -lpthread -o "$out/$name"
    $run "$out/$name" >"$out/$name.log" 2>&1 || { cat "$out/$name.log"; exit 1; }
    grep 'tests passed' "$out/$name.log"
    ran=$((ran + 1))
done
grep -q 'usable here: neon' "$out/check_kernels.log" || { echo "the kernels of NEON were not among those that ran"; exit 1; }
echo "aarch64: $ran programs ran"
[ $ran -ge 4 ]

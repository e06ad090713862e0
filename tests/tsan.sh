#!/bin/bash
# tsan.sh COMPILER PARALLEL [TEST…]    under the ThreadSanitizer of that compiler, so many at a time: the tests with the label `threads`, or the TESTs,
#                                     and the programs that they start; built in build/tsan, of cc, or build/tsan-COMPILER
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

compiler=$1 parallel=$2
shift 2
build=build/tsan
choice=()
if [ "$compiler" != cc ]; then
    build+=-$compiler
    choice=(-B "$build" "-DCMAKE_C_COMPILER=$compiler")
fi
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
cmake --preset tsan ${choice[@]+"${choice[@]}"} || exit
selection=(-L threads)
[ $# = 0 ] || selection=(-R "^($(IFS='|'; echo "$*"))\$")
mapfile -t targets < <(ctest --test-dir "$build" "${selection[@]}" --show-only=json-v1 | python3 -c '
import json, sys
print(*sorted(t["name"] for t in json.load(sys.stdin)["tests"]), sep="\n") # a test has the name of its program')
cmake --build "$build" -j "$(nproc)" --target "${targets[@]}" || exit
# ThreadSanitizer of gcc 12 cannot place its shadow where the kernel randomises 32 bits.
without_aslr=()
! setarch -R true 2>/dev/null || without_aslr=(setarch -R)
${without_aslr[@]+"${without_aslr[@]}"} ctest --test-dir "$build" "${selection[@]}" --parallel "$parallel" --no-tests=error --output-on-failure

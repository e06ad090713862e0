#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What a test that is a program checks, counted; it is read by the test (`.`), which ends with checks_end.
passed=0 failed=0

# check NAME STATUS FRAGMENT COMMAND…: exit status, and a fragment of what it says. Within three minutes, on the busiest machine.
check() {
    local name=$1 status=$2 fragment=$3 said code
    shift 3
    said=$(timeout 180 "$@" 2>&1 </dev/null)
    code=$?
    if [ "$code" = "$status" ] && [[ $said == *"$fragment"* ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name: exit $code (not $status), \"${said:0:600}\" (should hold \"$fragment\")"
    fi
}

# holds NAME CONDITION…: an arithmetic or file condition
holds() {
    local name=$1
    shift
    if test "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name: $*"
    fi
}

# Says how many; a test that checked nothing has failed.
checks_end() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

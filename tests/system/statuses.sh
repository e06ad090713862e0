#!/bin/sh
# Exit statuses are made where a program ends: in main(), in verbs, and in what reads options for both. Everything else
# returns what is wrong (base/error.h), and its caller says how bad that is. Given: the source tree.
set -eu
cd "$1"
found=$(grep -rnE '\b(EXIT_[A-Z]+\b|exit_for_[a-z]+\(|fail\()' --include='*.[ch]' base client config daemon forge libipc media sparse |
    grep -vE '^(base/(options|outcome|output)\.[ch]|client/cli/|daemon/(main|options)\.c|forge/verbs/)' || true)
[ -z "$found" ] || { printf 'exit statuses outside of verbs and main:\n%s\n' "$found"; exit 1; }
grep -q 'exit_for_input' forge/verbs/training/train.c || { echo "nothing is looked for any more"; exit 1; }

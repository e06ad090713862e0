#!/bin/sh
# What is new is held to its formula, or this fails: every layer kind goes through check_layer() (a reference in double and finite differences), and every
# function of the table of kernels is called by the tests in which it is written out once more. Losses are walked by their table in test_loss.c. Given: the source tree.
set -eu
cd "$1"
status=0
complain() { echo "$1"; status=1; }

layers=$(grep -l 'check_layer(' tests/unit/sparse/layers/test_*.c)
kinds=$(sed -n 's/^LAYER(\(.*\))$/\1/p' sparse/layers/layers.inc)
for kind in $kinds; do
    grep -q "\"$kind\"" $layers || complain "no test in tests/unit/sparse/layers gives the kind $kind to check_layer()"
done

kernels=$(sed -n '/^struct kernels {/,/^}/s/.*(\*\([a-z_0-9]*\))(.*/\1/p' sparse/kernels/kernels.h)
for kernel in $kernels; do
    grep -q "[>.]$kernel\b" tests/kernels/*.c || complain "no test in tests/kernels calls the kernel $kernel"
done

[ "$(echo "$kinds" | wc -w)" -ge 37 ] || complain "layers.inc names too few kinds"
[ "$(echo "$kernels" | wc -w)" -ge 37 ] || complain "kernels.h has too few kernels"
exit $status

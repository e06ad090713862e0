#!/bin/sh
# Nothing but a layer kind's own file knows its name: no C source outside sparse/layers/ and the tests has it in quotes
# or names its object. Given: the source tree.
set -eu
cd "$1"
status=0
for kind in $(sed -n 's/^LAYER(\(.*\))$/\1/p' sparse/layers/layers.inc); do
    # The verbs `structure add` and `quantize` are no kinds.
    found=$(grep -rnE "\"$kind\"|&layer_$kind\b" --include='*.[ch]' --include='*.inc' base bench client config daemon forge libipc media \
        sparse | grep -v '^sparse/layers/' | grep -vE 'structure_add|^forge/verbs/measuring/quantize.c:[0-9]*:#define VERB |^(client/cli/external|forge/verbs/main).c:[0-9]*: *\{ "quantize", ' || true)
    [ -z "$found" ] || { printf 'the kind %s is named outside of its file:\n%s\n' "$kind" "$found"; status=1; }
done
[ -n "${kind:-}" ] || { echo "layers.inc names no kind"; status=1; }
exit $status

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What wisp remembers of what it built and trained, and says from it. Usage: history.sh BIN-FOLDER
set -u
. "$(dirname "$0")/../support/checks.sh"
forge=$(realpath "$1")/wisp-forge
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export WISP_DB=$folder/s.db

# Two classes that the sum of three numbers tells apart.
awk 'BEGIN { srand(7); for (i = 0; i < 240; i++) { a = rand(); b = rand(); c = rand(); print (a + b + c > 1.5 ? "high" : "low") "\t" a " " b " " c } }' >data.tsv
layers=512-24-2

check "nothing yet"       0 "nothing was built or trained here yet" "$forge" structure history
check "none as JSON"      0 "[]"                    "$forge" structure history --json
check "computed"          0 "computed"              "$forge" build --layers $layers -s 0.5
check "memory, data apart" 0 "; the data take more" "$forge" build --layers $layers -s 0.5
check "built"             0 "bytes, seed 1"         "$forge" build --layers $layers -s 0.5 -o m.safetensors
check "remembered"        0 "built"                 "$forge" structure history
check "matched"           0 "matched from 1 run"    "$forge" build --layers $layers -s 0.5
check "another seed too"  0 "matched from 1 run"    "$forge" build --layers $layers -s 0.5 --seed 9
check "not a sparser one" 0 "computed"              "$forge" build --layers $layers -s 0.7
check "unrecorded"        0 "bytes, seed 1"         "$forge" build --layers $layers -s 0.7 -o n.safetensors --no-history
check "still not"         0 "computed"              "$forge" build --layers $layers -s 0.7
check "no accuracy yet"  65 "was trained here"      "$forge" build --layers $layers --min-accuracy 0.5
check "trained"           0 "done"                  "$forge" train m.safetensors --data data.tsv --processing text.classification \
    --epochs 2 --optimizer sgd --rate 0.5 -o t.safetensors
check "in the history"    0 "trained"               "$forge" structure history
check "accuracy"          0 "of this structure"     "$forge" build --layers $layers -s 0.5
check "chosen by it"      0 "chose sparsity 0.5 by method er" "$forge" build --layers $layers --min-accuracy 0.01
check "out of reach"     65 "the best, 50 % sparse" "$forge" build --layers $layers --min-accuracy 1
check "and small enough"  0 "chose sparsity 0.5 by method er" "$forge" build --layers $layers --min-accuracy 0.01 --max-bytes 1M
check "but too large"     2 "--min-accuracy 0.01: its sparsity 0.5 takes" "$forge" build --layers $layers --min-accuracy 0.01 --max-bytes 9K
check "or too slow"       2 "FLOPs a sample, and 100 are allowed" "$forge" build --layers $layers --min-accuracy 0.01 --max-flops 100
check "said twice"        2 "give one of them"      "$forge" build --layers $layers --min-accuracy 0.5 -s 0.5
check "as JSON"           0 '"estimates":{"machine"' "$forge" build --layers $layers -s 0.5 --json
check "shown"             0 "of this structure"     "$forge" structure show --layers $layers -s 0.5
for i in 1 2 3 4 5 6 7 8; do
    "$forge" build --layers 512-$((20 * i))-2 -s 0.5 -o x.safetensors >/dev/null 2>&1
done
check "interpolated"      0 "interpolated from 9 runs; runs held back are off by" "$forge" build --layers 512-90-2 -s 0.5
# Of another sort than all of them: nothing that is known exactly is estimated, nothing that cannot be done is timed.
cat >two.yaml <<'YAML'
name: two
processing: image.classification
input: [3, 32, 32]
layers: [{conv2d: {channels: 8, kernel: 3}}, global_pool, {linear: {neurons: 4, name: scores}}, {softmax: {name: chances}}]
outputs: {scores: {from: scores}, chances: {from: chances}}
YAML
other="--structure two.yaml -s 0.5"
check "extrapolated"      0 "extrapolated from 9 runs, none of which is like it" "$forge" build $other
check "cannot be trained" 0 "this version cannot train or evaluate it: " "$forge" build $other -o r.safetensors --no-history
check "no epoch"          0 '"trains":false'         "$forge" structure show $other --json
"$forge" build $other -o r.safetensors --no-history --json >r.json 2>/dev/null
check "no epoch in it"    1 ""                       grep -q epoch_seconds r.json
check "the file, exactly" 0 ""                       grep -q "\"cost\":{\"file_bytes\":$(stat -c %s r.safetensors)," r.json
check "refused to train" 65 "r.safetensors: this version cannot train or evaluate it: " "$forge" train r.safetensors --data data.tsv -o t.safetensors
check "refused to eval"  65 "r.safetensors: this version cannot train or evaluate it: " "$forge" eval r.safetensors --data data.tsv
# Nothing passes through it, so no recipe helps.
"$forge" build --layers $layers -s 0.9998 --force -o z.safetensors --no-history >/dev/null 2>&1
check "nothing to learn"  0 "better than guessing" "$forge" train z.safetensors --data data.tsv --processing text.classification \
    --epochs 1 -o t.safetensors --no-history
check "and why"           0 "0 of 512 inputs lead to an output, and 0 of 2 outputs are reached from an input; build it" "$forge" train z.safetensors \
    --data data.tsv --processing text.classification --epochs 1 -o t.safetensors --no-history
check "candidates"        0 'bytes, seed 1'          "$forge" build --layers $layers -s 0.5 --candidates 3 -o k.safetensors
check "are in the file"   0 '"candidates":3'        bash -c "tr -d '\\\\' <k.safetensors | grep -ao '\"candidates\":3'"
check "and are trained"   0 '"candidate":3'         "$forge" train k.safetensors --data data.tsv --processing text.classification \
    --epochs 1 -o t.safetensors
printf 'name: x\nprocessing: a.b\ninput: 512\nlayers: [{linear: 24}, relu, {linear: 2}, softmax]\n' >x.yaml
check "of one structure"  0 "built"                 "$forge" structure history x.yaml
if [ "$(id -u)" != 0 ]; then
    chmod 555 . s.db
    check "cannot write"  0 "not recorded"          "$forge" build --layers $layers -s 0.5 -o /tmp/wisp-$$.safetensors
    rm -f /tmp/wisp-$$.safetensors
fi
echo "not a database, but a text that is longer than the head of one, which has a hundred bytes, and this has more" >text.db
check "warned, and done"  0 "not recorded in the history" env WISP_DB="$folder/text.db" "$forge" build --layers $layers -s 0.5 -o y.safetensors
check "file is there"     0 "y.safetensors"         ls y.safetensors
check "one with a name"   0 "bytes"                  "$forge" build --structure lenet-300-100 -s 0.9 -o y.safetensors
check "by name"           0 "built    lenet-300-100 " "$forge" structure history
check "by name as JSON"   0 '"name":"lenet-300-100"' "$forge" structure history lenet-300-100 --json
"$forge" structure rm lenet-300-100
check "by hash then"      1 ""                       bash -c "'$forge' structure history | grep lenet"
checks_end

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# wisp structure, as a person uses it: the real wisp-forge on a database of its own. Usage: structure_verbs.sh BIN-FOLDER
set -u
. "$(dirname "$0")/../support/checks.sh"
forge=$1/wisp-forge
here=$(realpath "$(dirname "$0")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export WISP_DB=$folder/s.db

cat >"$folder/one.yaml" <<'YAML'
name: one
processing: scent.classification
input: 64
layers: [{linear: 32}, relu, {linear: 4}, softmax]
YAML
cat >"$folder/same.yaml" <<'YAML'
layers:
  - linear: {neurons: 32, name: other}
  - relu
  - linear: {neurons: 4}
  - softmax
input: [64]
name: same
processing: scent.classification
YAML
cat >"$folder/pool.yaml" <<'YAML'
name: pool
processing: image.classification
input: [1, 8, 8]
layers: [{max_pool: {kernel: 2, stride: 2, padding: 0}}, {linear: 2}]
YAML
cat >"$folder/ends.yaml" <<'YAML'
name: ends
processing: image.classification
input: [64]
layers: [{linear: {neurons: 4, name: scores}}, {softmax: {name: chances}}]
outputs: {scores: {from: scores}, chances: {from: chances}}
YAML
sed 's/linear: 4/linaer: 4/' "$folder/one.yaml" >"$folder/bad.yaml"

check "seeds"            0 "resnet-110-w64"                "$forge" structure list
check "by type"          0 "keyword-cnn-w16"               "$forge" structure list --type audio
check "by depth"         0 "lenet-5"                       "$forge" structure list --type image --depth 5
check "no such type"    65 'there is no processing type "imag"; did you mean "image"? (there are' "$forge" structure list --type imag
check "what there is"   65 "(there are audio.denoising, audio.recognition, audio.synthesis, audio.transcription, image.classification" "$forge" structure list --type smell
check "export no type"  65 "there is no processing type"   "$forge" structure export --type smell
check "nothing there"    0 "no such structures"            "$forge" structure list --type audio --depth 90
check "by network"       0 "vit-tiny-4"                    "$forge" structure list --network transformer --type image
check "no such network" 65 'there is no kind of network "resnt"; did you mean "resnet"?' "$forge" structure list --network resnt
check "depths in turn"   2 "the smaller first"             "$forge" structure list --depth 20-8
check "semantics"         0 "ngram-8192-128-3"              "$forge" structure list --type text.semantics
check "what it can"      0 "trains, serves"                "$forge" structure list --network mlp
check "two inputs too"   0 "4063232  trains, serves"             "$forge" structure list --network transformer
check "and for programs" 0 '"trains":true'                 "$forge" structure list --network unet --json
check "said by show"     0 "this version cannot train or evaluate it" "$forge" structure show "$folder/ends.yaml"
check "json"             0 '"name":"vit-tiny-4"'           "$forge" structure list --json
check "bad depth"        2 "give a number"                 "$forge" structure list --depth deep
check "add"              0 "a new processing type"         "$forge" structure add "$folder/one.yaml"
check "add the same"     0 "there already, as one"         "$forge" structure add "$folder/same.yaml"
check "add bad"         65 'bad.yaml:4:31: there is no layer kind "linaer"; did you mean "linear"?' "$forge" structure add "$folder/bad.yaml"
printf 'name: word\nprocessing: scent.classification\ninput: 4\nlayers: [{gelu: tanh}]\n' >"$folder/word.yaml"
check "a word shown"     0 "approximation: tanh}"          "$forge" structure show "$folder/word.yaml" --yaml
sed -i 's/tanh/erf/' "$folder/word.yaml"
check "no such word"    65 'word.yaml:4:17: approximation is "erf", and must be one of: none, tanh' "$forge" structure add "$folder/word.yaml"
# What another reader of YAML would not read back as it was meant, or a person not as the program did.
for word in '*a' "'q" '!x' 'x: y' '&a' '- a' ' a'; do
    sed "s/name: one/name: \"$word\"/" "$folder/one.yaml" >"$folder/word.yaml"
    check "name $word"  65 "is not of letters"             "$forge" structure add "$folder/word.yaml"
    sed "s/linear: 32/linear: {name: \"$word\", neurons: 32}/" "$folder/one.yaml" >"$folder/word.yaml"
    check "layer $word" 65 "a layer's name is not of"      "$forge" structure add "$folder/word.yaml"
    printf 'network: "%s"\n' "$word" | cat "$folder/one.yaml" - >"$folder/word.yaml"
    check "network $word" 65 "the kind of network is not"  "$forge" structure add "$folder/word.yaml"
done
for name in _lead --help foo.yaml .a; do
    sed "s/name: one/name: $name/" "$folder/one.yaml" >"$folder/word.yaml"
    check "called $name" 65 "a structure's name"           "$forge" structure add "$folder/word.yaml"
done
for name in yes null 0x10 1e5 12; do
    sed "s/name: one/name: \"$name\"/; s/linear: 32/linear: {name: \"$name\", neurons: 7}/" "$folder/one.yaml" >"$folder/word.yaml"
    check "add $name"    0 "stored"                        "$forge" structure add "$folder/word.yaml"
    check "show $name"   0 "name: \"$name\""               "$forge" structure show "$name" --yaml
    "$forge" structure export "$name" >"$folder/word.yaml" || failed=$((failed + 1))
    check "rm $name"     0 ""                              "$forge" structure rm "$name"
    check "again $name"  0 "1 stored"                      "$forge" structure import "$folder/word.yaml"
    check "gone $name"   0 ""                              "$forge" structure rm "$name"
done
sed 's/input: 64/input: -18446744073709551615/' "$folder/one.yaml" >"$folder/word.yaml"
check "negative"        65 'word.yaml:3:8: "input" takes' "$forge" structure add "$folder/word.yaml"
echo 'name: two' | cat "$folder/one.yaml" - >"$folder/word.yaml"
check "key twice"       65 'word.yaml:5:1: "name" is given twice; the first is at line 1' "$forge" structure add "$folder/word.yaml"
check "add missing"     65 "cannot open"                   "$forge" structure add "$folder/none.yaml"
check "show"             0 "N = 2176 potential"            "$forge" structure show one
check "show unknown"    65 'did you mean "one"'            "$forge" structure show oen
check "show sparse"      0 "sparsity 0.900000 asked"       "$forge" structure show resnet-20-w16 -s 0.9 --method erk
check "show yaml"        0 "processing: scent"             "$forge" structure show one --yaml
check "show file"        0 "N = 2176"                      "$forge" structure show "$folder/same.yaml"
check "edit"             0 "N = 4352"                      "$forge" structure edit one --insert-layer 2=64 --name two
check "edit in order"    0 "N = 1184"                      "$forge" structure edit one --set-neurons 1=8 --insert-layer 1=16 --name three
check "edit other way"   0 "N = 896"                       "$forge" structure edit one --insert-layer 1=16 --set-neurons 1=8 --name four
check "edit unfit"       2 "there is no layer 9"           "$forge" structure edit two --remove-layer 9
check "edit nothing"     2 "say what to change"            "$forge" structure edit two
check "edit in place"    0 "linear1"                       "$forge" structure edit two --set-neurons 1=16
check "edited"           0 "1024"                          "$forge" structure show two
check "build from name"  0 "bytes, seed 3"                 "$forge" build --structure two -s 0.5 --seed 3 -o "$folder/m.safetensors"
check "both"             2 "give one of them"              "$forge" build --structure two --layers 2-2 -s 0.5
check "export"           0 "name: two"                     "$forge" structure export two one
check "export file"      0 ""                              "$forge" structure export -o "$folder/all.yaml"
# Base values: checked when they are stored, found from the document's folder, and from then on from anywhere.
mkdir "$folder/inner"
sed "s/name: one/name: based/; s|input: 64|base: ../inner/two.safetensors\ninput: 64|" "$folder/one.yaml" >"$folder/inner/based.yaml"
check "no base"         65 "two.safetensors"               "$forge" structure add "$folder/inner/based.yaml"
check "nothing of it"   65 "based"                         "$forge" structure show based
"$forge" build --structure "$folder/one.yaml" -s 0 -o "$folder/inner/two.safetensors" >/dev/null 2>&1
check "base"             0 "stored"                        bash -c "cd '$folder/inner' && '$forge' structure add based.yaml"
check "whole path"       0 "base: \"$(realpath "$folder")/inner/two.safetensors\"" "$forge" structure show based --yaml
check "the same base"    0 "there already"                 "$forge" structure import "$folder/inner/based.yaml"
check "found elsewhere"  0 "bytes, seed"                   bash -c "cd / && '$forge' build --structure based -s 0.5 -o '$folder/b.safetensors'"
echo "no tensors" >"$folder/inner/two.safetensors"
check "base is none"    65 "base"                          bash -c "cd '$folder/inner' && sed 's/based/based2/; s/32/31/' based.yaml | '$forge' structure add -"
check "rm based"         0 ""                              "$forge" structure rm based
# An export of any size imports: more values than one structure may have, and more than a server takes at once.
awk 'BEGIN { print "structures:"; for (i = 1; i <= 12000; i++)
    printf "  - {name: m%d, processing: a.b, input: %d, layers: [{linear: {name: a, neurons: 2}}, {relu: {name: b}}]}\n", i, i }' >"$folder/many.yaml"
check "import many"      0 "12000 stored"                  env WISP_DB="$folder/many.db" "$forge" structure import "$folder/many.yaml"
check "export many"      0 ""                              env WISP_DB="$folder/many.db" "$forge" structure export -o "$folder/many2.yaml"
check "import the export" 0 "12000 stored"                 env WISP_DB="$folder/many2.db" "$forge" structure import "$folder/many2.yaml"
check "rm unknown"      65 "nothing was removed"           "$forge" structure rm one nobody
check "still there"      0 "N = 2176"                      "$forge" structure show one
check "rm"               0 ""                              "$forge" structure rm one two
check "import"           0 "2 stored"                      "$forge" structure import "$folder/all.yaml"
check "import again"     0 "0 stored"                      "$forge" structure import "$folder/all.yaml"
said=$("$forge" structure add "$folder/one.yaml" "$folder/bad.yaml" 2>/dev/null)
[ -z "$said" ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAIL add half bad: nothing is stored, yet it says \"$said\""; }
check "import half bad" 65 "nothing was stored"            "$forge" structure import "$folder/one.yaml" "$folder/bad.yaml"
check "prompt"           0 "N = 6800"                      bash -c "printf 'set 1 100\nshow\nundo\nset 1 100\nsevt\nsave\n' | '$forge' structure edit one -i"
check "prompt saved"     0 "100"                           "$forge" structure show one
check "prompt quits"     0 "nothing was saved"             bash -c "printf 'set 1 5\n' | '$forge' structure edit one -i"
check "prompt saves as"    0 "linear1"                       bash -c "printf 'set 1 7\nsave seven\n' | '$forge' structure edit one -i"
check "saved as"           0 "448"                           "$forge" structure show seven
check "and kept"           0 "6400"                          "$forge" structure show one
check "prompt too many"    0 "save does not take \"as x\""  bash -c "printf 'set 1 5\nsave as x\n' | '$forge' structure edit one -i"
check "prompt bad word"    0 "undo does not take \"all\""   bash -c "printf 'undo all\n' | '$forge' structure edit one -i"
# Several changes are checked together: a residual network, a transformer.
check "one branch"         2 "layers 1, 3 must have"                "$forge" structure edit resnet-8-w4 --set-neurons 1=8 --name wide
check "nothing of it"     65 "wide"                          "$forge" structure show wide
check "all branches"       0 "8 x 32 x 32"                   "$forge" structure edit resnet-8-w4 --set-neurons 1=8 --set-neurons 3=8 --name wide
check "shown with bytes"   0 "file"                          "$forge" structure edit wide --set-neurons 2=6 -s 0.9 --method erk
check "one of many"        2 "change them together"          "$forge" structure edit vit-tiny-4 --set-neurons 1=96 --name wide-vit
# shellcheck disable=SC2046  # a word each on purpose
check "all of them"        0 "384 x 196"                     "$forge" structure edit vit-tiny-4 --set-neurons 1=384 \
    $(for p in 5 7 11 13 17 19 23 25; do echo --set-neurons $p=384; done) --name wide-vit
check "a map of attention" 2 "makes the queries of block1.attention" "$forge" structure edit vit-tiny-4 --remove-layer 2 --name x
check "called a file"      2 "does not end in .yaml"         "$forge" structure edit one --set-neurons 1=9 --name x.yaml
check "called an option"   2 "beginning with a letter"       "$forge" structure edit one --set-neurons 1=9 --name _x
check "prompt saves a name" 0 "beginning with a letter"      bash -c "printf 'set 1 5\nsave _x\n' | '$forge' structure edit one -i"
check "prompt not yet"     0 "it does not fit yet: layer"    bash -c "printf 'set 1 16\nquit\n' | '$forge' structure edit resnet-8-w4 -i"
check "prompt saves not"   0 "cannot be saved"               bash -c "printf 'set 1 16\nsave\n' | '$forge' structure edit resnet-8-w4 -i"
check "prompt widens"      0 "16 x 32 x 32"                  bash -c "printf 'set 1 16\nset 3 16\nsave wider\n' | '$forge' structure edit resnet-8-w4 -i"
check "and has saved"      0 "16 x 32 x 32"                  "$forge" structure show wider
check "prompt sparsity"    0 "sparsity 0.500000 asked"       bash -c "printf 'sparsity 0.5\n' | '$forge' structure edit one -i -s 0.9"
check "prompt before"      0 "sparsity 0.900000 asked"       bash -c "printf 'sparsity 0.5\n' | '$forge' structure edit one -i -s 0.9"
check "prompt method"      0 "sigma 0.5;"                       bash -c "printf 'sparsity 0.5\nmethod uniform\n' | '$forge' structure edit one -i"
check "prompt no method"   0 "method takes er"               bash -c "printf 'method fixed\n' | '$forge' structure edit one -i"
check "prompt updates"     0 "to serve"                      bash -c "printf 'set 1 50\n' | '$forge' structure edit one -i"
check "both densities"     2 "give one of them"              "$forge" structure edit one -i -s 0.5 -d 0.5
mkdir "$folder/state"
check "in a service"       0 "lenet-5"                       env -u WISP_DB -u XDG_DATA_HOME STATE_DIRECTORY="$folder/state:/nowhere" "$forge" structure list
check "in its folder"      0 ""                              test -f "$folder/state/structures.db"
# Several that find no database make it together.
for i in $(seq 10); do
    rm -f "$folder/new.db"
    for k in 1 2 3 4; do
        WISP_DB=$folder/new.db "$forge" structure list >"$folder/new.$i.$k" 2>&1 &
    done
    wait
done
check "made together"      0 "40"                            bash -c "grep -l lenet-5 '$folder'/new.*.* | wc -l"
# What an older version stored is brought under today's rules once, by whoever opens it first.
cp "$WISP_DB" "$folder/old.db"
python3 "$here/make_old.py" "$folder/old.db"
cp "$folder/old.db" "$folder/old2.db"
check "old names"          0 '"_lead" is no name any more; its structure is called lead-2 now' env WISP_DB="$folder/old.db" "$forge" structure list
check "old twins"          0 '"twin-b" is the same structure as twin-a' env WISP_DB="$folder/old2.db" "$forge" structure show lead
check "old unreadable"    65 'aliases are not allowed'     env WISP_DB="$folder/old.db" "$forge" structure show broken
check "renamed"            0 "max_pool"                    env WISP_DB="$folder/old.db" "$forge" structure show lead-2
check "kept"               0 "stride: 1"                   env WISP_DB="$folder/old.db" "$forge" structure show lead --yaml
check "one of them"       65 'twin-a'                      env WISP_DB="$folder/old.db" "$forge" structure show twin-b
check "left out"           0 '"broken" is left out'        env WISP_DB="$folder/old.db" "$forge" structure export -o "$folder/old.yaml"
check "and named"         65 "broken: structure:"          env WISP_DB="$folder/old.db" "$forge" structure export broken
check "the rest imports"   0 "stored"                      env WISP_DB="$folder/old3.db" "$forge" structure import "$folder/old.yaml"
check "its hash"           0 "there already, as twin-a"    env WISP_DB="$folder/old.db" "$forge" structure add "$folder/pool.yaml"
check "unknown action"   2 "did you mean 'list'"           "$forge" structure lst
echo "not a database, but a text that is longer than the head of one, which has a hundred bytes, and this has more" >"$folder/text.db"
check "not a database"  65 "not a structure database"      env WISP_DB="$folder/text.db" "$forge" structure list
head -c 20000 "$WISP_DB" >"$folder/cut.db"
check "cut database"    65 "damaged"                       env WISP_DB="$folder/cut.db" "$forge" structure list
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 711 "$folder" && chmod 700 "$folder/s.db"
    check "no permission" 77 "" setpriv --reuid 65534 --regid 65534 --clear-groups "$forge" structure list
fi
checks_end

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# wisp build with every way to say what is sampled and how, as a person uses it. Usage: build_options.sh BIN-FOLDER
set -u
. "$(dirname "$0")/../support/checks.sh"
forge=$(realpath "$1")/wisp-forge
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export WISP_DB=$folder/s.db

# number KEY FILE: of a JSON object on one line
number() { grep -oE "\"$1\":[-0-9.e+]+" "$2" | head -1 | cut -d: -f2; }

mlp="--layers 784-300-100-10"

# What says how many
check "nothing"             2 "or --density, --max-bytes, --max-flops or" "$forge" build $mlp
check "two amounts"         2 "--sparsity and --max-bytes both say"      "$forge" build $mlp -s 0.9 --max-bytes 1M
check "density and flops"   2 "--density and --max-flops both say"       "$forge" build $mlp -d 0.9 --max-flops 1M
check "fixed and sparsity"  2 "--sparsity and --method fixed both say"   "$forge" build $mlp -s 0.9 --fixed 1,1,1
check "fixed"               0 "0.250000"                                 "$forge" build $mlp --fixed 0.1,0.25,1
check "fixed says dense"    0 "1 of 3 layers fully connected: fc3"       "$forge" build $mlp --method fixed --fixed 0.1,0.25,1
check "dense in JSON"       0 '"dense_layers":["fc3"]'                   "$forge" build $mlp --fixed 0.1,0.25,1 --json
check "fixed too few"       2 "2 densities, but 3 layers"                "$forge" build $mlp --fixed 0.1,0.2
check "fixed too many"      2 "4 densities, but 3 layers"                "$forge" build $mlp --fixed 0.1,0.2,1,1
check "fixed bad"           2 '"1.5" is no density'                      "$forge" build $mlp --fixed 0.1,1.5,1
check "fixed empty"         2 '"" is no density'                         "$forge" build $mlp --fixed 0.1,,1
check "fixed none"          2 "layer fc1 is given no probability"        "$forge" build $mlp --method fixed
check "fixed by name"       2 "layer fc2 is given no probability"        "$forge" build $mlp --method fixed --layer-density fc1=1
check "fixed and er"        2 "which --method er would compute"          "$forge" build $mlp --method er --fixed 1,1,1
check "one layer"           0 "0.500000"                                 "$forge" build $mlp -d 0.1 --layer-density fc2=0.5
check "one layer, unknown"  2 'did you mean "fc2"?'                      "$forge" build $mlp -d 0.1 --layer-density fc22=0.5
check "one layer, no value" 2 'give the name of a layer, "=", and'       "$forge" build $mlp -d 0.1 --layer-density fc2
check "one layer, bad"      2 "give a number with 0 < D <= 1"            "$forge" build $mlp -d 0.1 --layer-density fc2=0
check "layers take all"     2 "the given layers alone take"              "$forge" build $mlp -d 0.1 --layer-density fc1=1
check "weights apart"       0 "N = 266200 counts weights; biases, norms and positions apart: 410" "$forge" build $mlp -d 0.1
check "attention apart"     0 "attention.q"                              "$forge" structure show vit-tiny-4 -d 0.1 --method erk
for part in q k v o; do
    check "W_$part" 0 ".$part " "$forge" structure show vit-tiny-4 -d 0.1
done

# Budgets: what is promised holds, and a little more would not fit
for size in 100000 250000 1000000; do
    check "max-bytes $size" 0 "" bash -c "'$forge' build $mlp --max-bytes $size -o m.safetensors --json >m.json"
    holds "fits $size" "$(stat -c %s m.safetensors)" -le $size
    holds "is said" "$(number file_bytes m.json)" = "$(stat -c %s m.safetensors)"
    density=$(number density m.json)
    more=$(awk "BEGIN { printf \"%.9f\", $density + 70 / 266200 }")
    check "more than $size" 0 "" "$forge" build $mlp -d "$more" -o n.safetensors
    holds "does not fit $size" "$(stat -c %s n.safetensors)" -gt $size
done
check "suffix"            0 "the largest within 102400 bytes of file"   "$forge" build $mlp --max-bytes 100KiB
check "suffix of 1000s"   0 "the largest within 100000 bytes of file"   "$forge" build $mlp --max-bytes 100K
check "fractions"         0 "the largest within 1500000 bytes of file"  "$forge" build $mlp --max-bytes 1.5M
check "memory"            0 "bytes of memory"                           "$forge" build $mlp --max-bytes 100K --budget memory
check "flops"             0 "FLOPs a sample"                            "$forge" build --structure resnet-8-w16 --max-flops 5M
check "shown"             0 "FLOPs a sample"                            "$forge" structure show resnet-8-w16 --max-flops 5M
check "erk+ has a floor"  0 "the largest within"                        "$forge" build $mlp --max-bytes 40K --method erk+
check "too small"         2 "no density fits: the sparsest network needs" "$forge" build $mlp --max-bytes 1K
check "erk+ too small"    2 "no density fits"                           "$forge" build $mlp --max-bytes 8K --method erk+
check "all fits"          0 "sparsity 0.000000 asked"                   "$forge" build $mlp --max-bytes 1T
check "bad size"          2 "may end in K, M, G or T"                   "$forge" build $mlp --max-bytes 10X
check "bad size 0"        2 "may end in K, M, G or T"                   "$forge" build $mlp --max-bytes 0
check "negative size"     2 "may end in K, M, G or T"                   "$forge" build $mlp --max-flops=-1
check "bad budget"        2 "give file or memory"                       "$forge" build $mlp --max-bytes 1M --budget disk
check "lonely budget"     2 "which is missing"                          "$forge" build $mlp -s 0.9 --budget file
check "budget by chance"  2 "no limit can be kept"                      "$forge" build $mlp --max-bytes 1M --sampling bernoulli

# How
check "bernoulli"         0 "bytes, seed"                               "$forge" build $mlp -d 0.1 --sampling bernoulli -o b.safetensors
check "bernoulli says"    0 '"sampling":"bernoulli"'                    "$forge" build $mlp -d 0.1 --sampling bernoulli --json
holds "lineage says it" "$(grep -acF 'sampling\":\"bernoulli' b.safetensors)" = 1
check "bad sampling"      2 "give exact or bernoulli"                   "$forge" build $mlp -d 0.1 --sampling both
check "repair"            0 "repair put"                                "$forge" build $mlp -s 0.99 --repair -o r.safetensors
check "repair cannot"     2 "ask for a higher density"                  "$forge" build $mlp -s 0.999 --repair -o r.safetensors
check "kernels"           0 "bytes, seed"                               "$forge" build --structure resnet-8-w16 -d 0.2 --granularity kernel -o k.safetensors
check "kernels, repaired" 0 "bytes, seed"                               "$forge" build --structure resnet-8-w16 -d 0.3 --granularity kernel --repair -o k.safetensors
check "kernels by chance" 0 "bytes, seed"                               "$forge" build --structure resnet-8-w16 -d 0.2 --granularity kernel --sampling bernoulli -o k.safetensors
check "bad granularity"   2 "give weight or kernel"                     "$forge" build $mlp -d 0.1 --granularity row
check "zero"              0 "the hidden layers never learn"             "$forge" build $mlp -d 0.1 --weights zero -o z.safetensors
check "constant"          0 "nothing breaks the symmetry"               "$forge" build $mlp -d 0.1 --weights constant=0.5 -o z.safetensors
check "bad constant"      2 "give scaled, zero, constant=X or inherited" "$forge" build $mlp -d 0.1 --weights constant=x
check "no base"           2 "from where?"                               "$forge" build $mlp -d 0.1 --weights inherited
for threads in 1 2 3; do
    check "threads $threads" 0 "" "$forge" build --layers 3000-3000-10 -d 0.05 --threads $threads --name t -o t$threads.safetensors
done
holds "threads change nothing" "$(sha256sum <t1.safetensors)$(sha256sum <t1.safetensors)" = "$(sha256sum <t2.safetensors)$(sha256sum <t3.safetensors)"

# Connections out and in
check "export"            0 ""                                          "$forge" build $mlp -d 0.1 --name x -o x.safetensors --export-edges fc1=1.csv --export-edges fc2=2.mtx --export-edges fc3=3.csv
holds "edge list"         "$(head -1 1.csv)" = "output,input,weight"
holds "matrix market"     "$(sed -n 2p 2.mtx | cut -d' ' -f1,2)" = "100 300"
check "import"            0 "given"                                     "$forge" build $mlp -d 0.1 --name x -o y.safetensors --edges fc1=1.csv --edges fc2=2.mtx --edges fc3=3.csv --export-edges fc2=2b.mtx
holds "there and back"    "$(cmp 2.mtx 2b.mtx && echo same)" = same
cut -d, -f1,2 1.csv >bare.csv
check "without weights"   0 "given"                                     "$forge" build $mlp -d 0.1 -o y.safetensors --edges fc1=bare.csv --export-edges fc1=1b.csv
holds "weights are made"  "$(cmp 1.csv 1b.csv && echo same)" = same
check "edges twice"       2 "has its connections already"               "$forge" build $mlp -d 0.1 --edges fc1=1.csv --edges fc1=1.csv
check "edges, no layer"   2 'no layer "fc9" with connections'           "$forge" build $mlp -d 0.1 --edges fc9=1.csv
check "edges, ending"     2 "has to end in .csv"                        "$forge" build $mlp -d 0.1 --edges fc1=1.txt
check "edges, missing"   65 "cannot open none.csv"                      "$forge" build $mlp -d 0.1 --edges fc1=none.csv
check "edges, unfit"     65 "but the layer has 10 outputs and 100"      "$forge" build $mlp -d 0.1 --edges fc3=2.mtx
echo "output,input" >empty.csv
check "edges, empty"     65 "has no connection"                         "$forge" build $mlp -d 0.1 --edges fc1=empty.csv
check "export, no model"  2 "--export-edges needs -o"                   "$forge" build $mlp -d 0.1 --export-edges fc1=1.csv
check "export, folder"    1 "folder no/where"                           "$forge" build $mlp -d 0.1 -o x.safetensors --export-edges fc1=no/where/1.csv
check "export, ending"    2 "has to end in .csv"                        "$forge" build $mlp -d 0.1 -o x.safetensors --export-edges fc1=1.png

check "layers"            0 "fc2"                                       "$forge" export x.safetensors
check "layers as JSON"    0 '"name":"fc2","kind":"linear","outputs":100,"inputs":300' "$forge" export x.safetensors --json
check "export later"      0 ""                                          "$forge" export x.safetensors --edges fc1=1c.csv --edges fc2=2c.mtx
holds "the same edges"    "$(cmp 1.csv 1c.csv && cmp 2.mtx 2c.mtx && echo same)" = same
check "golden"            0 ""                                          "$forge" golden x.safetensors -o gold.safetensors
check "golden, shown"     0 '"golden": true'                            "$forge" show gold.safetensors
check "golden, removed"   0 ""                                          "$forge" golden gold.safetensors --remove
check "golden no more"    0 '"golden": false'                           "$forge" show gold.safetensors
check "golden, as before" 0 ""                                          cmp x.safetensors gold.safetensors
check "golden again"      0 ""                                          "$forge" golden gold.safetensors
check "golden, folder"    1 "folder no/where"                           "$forge" golden x.safetensors -o no/where/x.safetensors
check "golden no model"  65 "1.csv"                                     "$forge" golden 1.csv
check "export nothing"    2 "the model file is missing"                 "$forge" export
check "export no model"  65 "1.csv"                                     "$forge" export 1.csv
check "export no layer"   2 'did you mean "fc1"?'                       "$forge" export x.safetensors --edges fc11=1.csv
check "export bad ending" 2 "has to end in .csv"                        "$forge" export x.safetensors --edges fc1=1.txt
check "export no folder"  1 "folder no/where"                           "$forge" export x.safetensors --edges fc1=no/where/1.csv

# More than a file may be
huge="--layers 54675-582000-582000-582000-18 -s 0.995"
check "huge, shown"       0 "that cannot be saved: a model file has at most 16 GiB" "$forge" structure show $huge
check "huge, its layers"  0 "0.023863"                                 "$forge" structure show $huge
check "huge, in JSON"     0 '"saves":false'                             "$forge" build $huge --json
check "huge, not built"   2 "a model file has at most 17179869184 (16 GiB)" "$forge" build $huge -o huge.safetensors
check "two limits"        2 "--max-bytes and --max-flops both say"      "$forge" build $mlp --max-bytes 1M --max-flops 1M
check "two and accuracy"  2 "are two limits; give one of them"          "$forge" build $mlp --max-bytes 1M --max-flops 1M --min-accuracy 0.5

# What passes through
check "all passes"        0 "784 of 784 inputs lead to an output, and 10 of 10 outputs are reached" "$forge" build $mlp -s 0.9 -o f.safetensors
check "little passes"     0 "warning: 9 of 784 inputs lead to an output, and 5 of 10 outputs" "$forge" build $mlp -s 0.999 -o f.safetensors
rm f.safetensors
check "nothing passes"    2 "nothing passes through this network: 0 of 784" "$forge" build $mlp -s 0.9999 -o f.safetensors
check "nothing written"   2 ""                                          ls f.safetensors
check "nothing, forced"   0 '"flow":{"inputs":784,"inputs_leading":0,"outputs":10,"outputs_reached":0}' \
    "$forge" build $mlp -s 0.9999 -o f.safetensors --force --json
check "pictures"          0 "3 of 3 input channels lead to an output"   "$forge" build --structure resnet-8-w16 -s 0.5 -o f.safetensors

# Base values
check "dense base"        0 ""                                          "$forge" build $mlp -d 1 --seed 9 -o base.safetensors --export-edges fc2=base.csv
check "inherits"          0 "bytes, seed"                               "$forge" build $mlp -d 0.1 --base base.safetensors -o i.safetensors --export-edges fc2=i.csv
holds "the same values"   "$(grep -cxFf base.csv i.csv)" = "$(wc -l <i.csv)"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n' >lfs.safetensors
check "base is a pointer" 65 "get the file itself with"                     "$forge" build $mlp -d 0.1 --base lfs.safetensors
check "so is a model"     65 "a Git LFS pointer"                        "$forge" export lfs.safetensors
printf 'output,input,weight\n0,0,1.5\n1,3,-2\n' >a.csv
printf '%%%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n1 1 0.5\n2 1 3\n' >b.mtx
check "all edges"         0 "2 of 4 inputs lead to an output, and 2 of 2" "$forge" build --layers 4-2-2 --edges fc1=a.csv --edges fc2=b.mtx -o e.safetensors
check "some edges"        2 "gives connections to some layers, but none to fc2" "$forge" build --layers 4-2-2 --edges fc1=a.csv
"$forge" build --layers 4-2-2 -d 1 -o dense.safetensors >/dev/null 2>&1
check "edges over a base" 0 "bytes, seed" "$forge" build --layers 4-2-2 --edges fc1=a.csv --edges fc2=b.mtx --base dense.safetensors \
    -o e.safetensors --export-edges fc1=back.csv --export-edges fc2=back.mtx
holds "their own weights" "$(tr '\n' ' ' <back.csv)" = "output,input,weight 0,0,1.5 1,3,-2 "
holds "both of a pair"    "$(grep -cx -e '1 2 3' -e '2 1 3' back.mtx)" = 2
check "inherits sparse"   0 "bytes, seed"                               "$forge" build $mlp -d 0.1 --base i.safetensors --weights inherited -o i2.safetensors
check "base missing"     65 "cannot open none"                          "$forge" build $mlp -d 0.1 --base none.safetensors
check "base no file"     65 "not a safetensors file"                 "$forge" build $mlp -d 0.1 --base 1.csv
check "base unfit"       65 "but the layer has 200 outputs"             "$forge" build --layers 784-200-100-10 -d 0.1 --base base.safetensors -o i.safetensors
check "base, other names" 65 "are their names different?"               "$forge" build --structure resnet-8-w16 -d 0.1 --base base.safetensors -o i.safetensors
check "base and scaled"   2 "give one of them"                          "$forge" build $mlp -d 0.1 --base base.safetensors --weights scaled
check "base, new layer"   0 'has no weight "fc4.weight"'                "$forge" build --layers 784-300-100-10-3 -d 0.1 --base base.safetensors -o i.safetensors
cat >based.yaml <<'YAML'
name: based
processing: raw
input: 784
base: base.safetensors
layers: [{linear: {name: fc1, neurons: 300}}, relu, {linear: {name: fc2, neurons: 100}}, relu, {linear: {name: fc3, neurons: 10}}, softmax]
YAML
check "structure's base"  0 "bytes, seed"                               "$forge" build --structure based.yaml -d 0.1 -o i.safetensors --export-edges fc2=i.csv
holds "its values"        "$(grep -cxFf base.csv i.csv)" = "$(wc -l <i.csv)"
check "base set aside"    0 "bytes, seed"                               "$forge" build --structure based.yaml -d 0.1 --weights scaled -o i.safetensors --export-edges fc2=i.csv
holds "not its values"    "$(grep -cxFf base.csv i.csv)" = 1
checks_end

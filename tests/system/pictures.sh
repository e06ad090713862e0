#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The pictures of `wisp structure show`: valid files, the same bits each time, clear refusals. Usage: pictures.sh BIN-FOLDER
set -u
. "$(dirname "$0")/../support/checks.sh"
forge=$1/wisp-forge
source=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export WISP_DB=$folder/s.db LC_ALL=C.UTF-8

cat >"$folder/valid.py" <<'PY'
import struct, sys, xml.etree.ElementTree as tree
path = sys.argv[1]
data = open(path, "rb").read()
if path.endswith(".svg"):
    root = tree.fromstring(data)
    assert root.tag == "{http://www.w3.org/2000/svg}svg", root.tag
    assert 1280 <= float(root.get("width").rstrip("px")) <= 2000
elif path.endswith(".png"):
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[-8:-4] == b"IEND"
    width, height = struct.unpack(">II", data[16:24])
    assert width <= 2000 and width * height < 30e6, (width, height)
else:
    assert data[:5] == b"%PDF-" and data.rstrip().endswith(b"%%EOF")
    assert (b"CreationDate (2000" in data or b"CreationDate (D:2000" in data)
print("valid")
PY

# picture NAME ARGUMENTS…: all three formats, twice; the first of them more than a second apart
picture() {
    local name=$1 round
    shift
    for round in 1 2; do
        check "$name $round" 0 "" "$forge" structure show "$@" --svg "$folder/$name.$round.svg" \
            --png "$folder/$name.$round.png" --pdf "$folder/$name.$round.pdf"
        [ "$name" = mlp ] && sleep 1.1
    done
    for format in svg png pdf; do
        check "$name $format" 0 "valid" python3 "$folder/valid.py" "$folder/$name.1.$format"
        check "$name $format twice" 0 "" cmp "$folder/$name.1.$format" "$folder/$name.2.$format"
    done
}

picture mlp --layers 784-1000-1000-1000-10 -s 0.95
picture unet unet-denoise-w16 -s 0.8 --method erk
picture translator text-translator-6-w512 -s 0.9
picture wide --layers 784-100000-10 -s 0.999
picture matrix lenet-5 -s 0.9 --matrix
picture model "$source/models/digits.safetensors"
picture model-matrix "$source/models/digits.safetensors" --matrix

deep=64
for _ in $(seq 150); do deep=$deep-64; done
check "150 layers"   0 ""                        "$forge" structure show --layers $deep -s 0.9 --png "$folder/deep.png"
check "deep is valid" 0 "valid"                  python3 "$folder/valid.py" "$folder/deep.png"
"$forge" structure show --layers 784-300-10 -s 0.9 --seed 2 --svg "$folder/two.svg"
"$forge" structure show --layers 784-300-10 -s 0.9 --seed 1 --svg "$folder/one.svg"
check "another seed" 1 "differ"                  cmp "$folder/one.svg" "$folder/two.svg"

# Hundreds of gigabytes when dense; the picture's memory follows the picture. Sanitizers reserve more than any limit.
limit="ulimit -v 1000000"
grep -qE '__(asan|tsan)_init' "$forge" && limit=true
check "giant"        0 ""                        bash -c "$limit; '$forge' structure show --layers 300000-300000-10 -s 0.99 --png '$folder/giant.png'"

check "no folder"    1 "folder $folder/none"     "$forge" structure show lenet-5 --svg "$folder/none/a.svg"
check "a folder"     1 "is a directory"          "$forge" structure show lenet-5 --png "$folder"
check "full disk"    1 "is not a regular file"   "$forge" structure show lenet-5 --pdf /dev/full
check "unknown"     65 "did you mean \"lenet-5\"" "$forge" structure show lenet-6 --svg "$folder/a.svg"
check "damaged"     65 "a.safetensors"           "$forge" structure show "$folder/a.safetensors" --svg "$folder/a.svg"
check "no file"      2 "--matrix needs a file"   "$forge" structure show lenet-5 --matrix
check "two kinds"    2 "ask for one of them"     "$forge" structure show lenet-5 --matrix --curves --svg "$folder/a.svg"
check "text too"     2 "prints text"             "$forge" structure show lenet-5 --yaml --svg "$folder/a.svg"
check "no history"  65 "nothing was built or trained here yet of lenet-5" "$forge" structure show lenet-5 --curves --svg "$folder/a.svg"

for density in 0.05 0.1 0.3; do
    "$forge" build --layers 40-30-10 --density $density -p raw -o "$folder/m.safetensors" >"$folder/said" 2>&1 || cat "$folder/said"
done
picture curves --layers 40-30-10 --curves
picture all-curves --curves

check "one of each"  0 "N = 1 potential connection in 1 layer;" "$forge" structure show --layers 1-1
check "all of one"   0 "1 of 1 layer fully connected: " "$forge" structure show --layers 1-1 -s 0
check "drawing"      0 "●"                       "$forge" structure show lenet-5 -s 0.9
check "outline"      0 "█"                       "$forge" structure show resnet-20-w16 -s 0.9
check "ascii"        0 "p: . < 0.01 - < 0.1"     env LC_ALL=C "$forge" structure show resnet-20-w16 -s 0.9
check "after a change" 0 "●"                     "$forge" structure edit lenet-5 --set-neurons 3=200 --name lenet-wide
check "at the prompt" 0 "300"                    bash -c "printf 'set 4 300\nquit\n' | '$forge' structure edit lenet-5 -i"

checks_end

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A structure database over HTTP: served, read, changed with a token, copied; and servers that lie. Usage: remote.sh BIN-FOLDER
set -u
. "$(dirname "$0")/../support/checks.sh"
forge=$(realpath "$1")/wisp-forge
here=$(realpath "$(dirname "$0")")
folder=$(mktemp -d)
servers=()
trap 'kill -9 "${servers[@]}" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export XDG_CACHE_HOME=$folder/cache XDG_DATA_HOME=$folder/data WISP_TOKEN='' NO_PROXY='*' no_proxy='*'
unset WISP_DB WISP_TOKEN_FILE

# serve LOG OPTION…: starts a server on a free port; its address is in $url, its number in $pid
serve() {
    local log=$1
    shift
    "$forge" structure serve --listen 127.0.0.1:0 "$@" >"$log" 2>&1 &
    pid=$!
    disown
    servers+=("$pid")
    for _ in $(seq 200); do
        url=$(sed -nE 's/.* on (https?:[^ ,]*).*/\1/p' "$log")
        [ -n "$url" ] && return
        sleep 0.05
    done
    echo "FAIL no server: $(cat "$log")"
    exit 1
}

cat >one.yaml <<'YAML'
name: one
processing: scent.classification
input: 64
layers: [{linear: 32}, relu, {linear: 4}, softmax]
YAML
sed 's/name: one/name: same/' one.yaml >same.yaml
sed 's/name: one/name: two/; s/32/48/' one.yaml >two.yaml
sed 's/linear: 32/liner: 32/' one.yaml >bad.yaml
printf 'a-token-of-some-length\n' >token
printf 'another-token-of-some-length\n' >wrong
chmod 600 token wrong

# ---- reading ----
serve read.log --db served.db
check "says it"          0 "to read only"               cat read.log
check "list"             0 "resnet-20-w16"              "$forge" structure list --db "$url"
check "list by type"     0 "unet-segment-w16"           "$forge" structure list --db "$url/" --type image.segmentation
check "show"             0 "potential connections"      "$forge" structure show lenet-5 --db "$url"
check "build"            0 "bytes, seed 1"              "$forge" build --structure lenet-5 --db "$url" --method erk -s 0.5 -o l.safetensors
check "by environment"   0 "lenet-5"                    env WISP_DB="$url" "$forge" structure list --depth 5
check "unknown"         65 "did you mean"               "$forge" structure show lenet-55 --db "$url"
check "export"           0 "name: lenet-5"              "$forge" structure export lenet-5 --db "$url"
check "not to change"   77 "takes no changes"           "$forge" structure add one.yaml --db "$url"
check "not to edit"      1 "on a server"                "$forge" structure edit lenet-5 --set-neurons 1=9 --db "$url"
"$forge" structure list --json --db served.db >local.json
"$forge" structure list --json --db "$url" >remote.json
check "the same listing" 0 ""                           cmp local.json remote.json
check "no address"       2 "is no address"              "$forge" structure list --db "http://[::1"
check "user in it"       2 "no user"                    "$forge" structure list --db "http://me@127.0.0.1:1"
check "another scheme"   2 "at http:// or https://"     "$forge" structure list --db "ftp://127.0.0.1/x"
check "and by \$WISP_DB"  2 "at http:// or https://"     env WISP_DB="ftp://127.0.0.1/x" "$forge" structure list
check "capitals"         0 "lenet-5"                    "$forge" structure list --db "HTTP${url#http}"
check "no proxy"         0 "lenet-5"                    env -u no_proxy -u NO_PROXY http_proxy=http://127.0.0.1:1 "$forge" structure list --db "$url"
check "nobody there"     1 "cannot reach"               "$forge" structure list --db "http://127.0.0.1:1"
check "serve a server"   2 "on a server already"        "$forge" structure serve --db "$url"
check "bad listen"       2 "--listen here"              "$forge" structure serve --listen here
check "key alone"        2 "belong together"            "$forge" structure serve --tls-key token
check "port in use"      1 "cannot listen"              "$forge" structure serve --db served.db --listen "${url#http://}"

# ---- the copy ----
kill "$pid"
check "ends"             0 ""                           timeout 10 tail --pid="$pid" -f /dev/null
check "offline"          0 "what follows is the copy"   "$forge" structure list --db "$url"
check "offline, show"    0 "potential connections"      "$forge" structure show lenet-5 --db "$url"
for copy in cache/wisp/*.db; do echo "not a database, but a text that is longer than the head of one, which has a hundred bytes, and more" >"$copy"; done

# ---- changing ----
serve write.log --db served.db --token token
check "says it too"      0 "changes with the token"     cat write.log
check "no token"        77 "need this server's token"   "$forge" structure add one.yaml --db "$url"
check "wrong token"     77 "need this server's token"   env WISP_TOKEN_FILE=wrong "$forge" structure add one.yaml --db "$url"
chmod 644 wrong
check "open token"       2 "others may read"            env WISP_TOKEN_FILE=wrong "$forge" structure add one.yaml --db "$url"
check "short token"      2 "a token has 16"             env WISP_TOKEN=short "$forge" structure add one.yaml --db "$url"
export WISP_TOKEN_FILE=$folder/token
check "add"              0 "stored under scent.classification, a new processing type" "$forge" structure add one.yaml --db "$url"
check "add again"        0 "there already, as one"      "$forge" structure add same.yaml --db "$url"
check "bad document"    65 "nothing was stored"         "$forge" structure add two.yaml bad.yaml --db "$url"
check "none of them"    65 "two"                        "$forge" structure show two --db "$url"
check "import"           0 "1 stored, 1 there already"  "$forge" structure import one.yaml two.yaml --db "$url"
check "there"            0 "N = 3264"                   "$forge" structure show two --db "$url"
check "rm unknown"      65 "nothing was removed"        "$forge" structure rm two nobody --db "$url"
check "still there"      0 "N = 3264"                   "$forge" structure show two --db "$url"
check "rm"               0 ""                           "$forge" structure rm one two --db "$url"
check "gone"            65 "one"                        "$forge" structure show one --db "$url"
check "renamed"          0 "stored"                     "$forge" structure add same.yaml --db "$url"
check "under its name"   0 "N = 2176"                   "$forge" structure show same --db "$url"
for word in yes null 0x10 1e5; do # what YAML would take for something else than a name
    sed "s/name: one/name: \"$word\"/; s/linear: 32/linear: {name: \"$word\", neurons: 33}/" one.yaml >word.yaml
    check "add $word"    0 "stored under"               "$forge" structure add word.yaml --db "$url"
    check "show $word"   0 "name: \"$word\""            "$forge" structure show "$word" --yaml --db "$url"
    check "rm $word"     0 ""                           "$forge" structure rm "$word" --db "$url"
done
for name in _lead --help foo.yaml; do
    sed "s/name: one/name: $name/" one.yaml >word.yaml
    check "called $name" 65 "a structure's name"        "$forge" structure add word.yaml --db "$url"
done
sed 's/input: 64/base: token\ninput: 64/' one.yaml >word.yaml
check "with a base"     65 "names a file of this machine" "$forge" structure add word.yaml --db "$url"
for i in 1 2 3 4 5 6 7 8; do
    sed "s/name: one/name: w$i/; s/32/$((100 + i))/" one.yaml >w$i.yaml
    "$forge" structure add w$i.yaml --db "$url" >/dev/null 2>&1 &
    writers[i]=$!
done
wait "${writers[@]}"
check "eight at once"    0 "8"                          bash -c "'$forge' structure list --db '$url' --type scent | grep -c '^w'"
check "kill -9"          0 ""                           kill -9 "$pid"
check "whole"            0 "w8"                         "$forge" structure list --db served.db --type scent

serve again.log --db served.db
rm -rf cache
for i in 1 2 3 4 5; do
    "$forge" structure list --db "$url" >list$i.txt 2>&1 &
    readers[i]=$!
done
wait "${readers[@]}"
check "first readers"    0 ""                           bash -c "cmp list1.txt list2.txt && cmp list1.txt list5.txt && grep -q lenet-5 list3.txt"
for copy in cache/wisp/*.db; do head -c 3000 "$copy" >part; echo "no database, but longer than the head of one, which has a hundred bytes, and this text has more of them" >"$copy"; done
check "damaged copy"     0 "lenet-5"                    "$forge" structure list --db "$url"

# ---- what a server answers to whatever is asked ----
python3 "$here/make_old.py" served.db # what cannot be read is not served
serve ask.log --db served.db --token token
check "not served"       0 '"broken" is not served'     cat ask.log
check "not listed"       1 ""                           bash -c "'$forge' structure list --db '$url' | grep broken"
check "the rest is"      0 "lead-2"                     "$forge" structure list --db "$url"
# Written memory: threads reserve more than they use. A sanitizer's own memory counts, and is no fault.
ldd "$forge" | grep -qE 'lib(a|t)san' || prlimit --pid "$pid" --data=$((300 << 20))
check "requests"         0 "all right"                  python3 "$here/remote_requests.py" "$url" "$folder/token"

# ---- servers that lie ----
"$forge" structure show lenet-5 --yaml --db served.db >document.yaml
"$forge" structure list --json --depth 5 --db served.db | grep -o "{[^}]*\"lenet-5\"[^}]*}" >listing.json
python3 "$here/remote_hostile.py" document.yaml <listing.json >hostile.log 2>&1 &
servers+=($!)
disown
for _ in $(seq 200); do [ -s hostile.log ] && break; sleep 0.05; done
hostile=http://127.0.0.1:$(head -n1 hostile.log)
lie() { # NAME STATUS FRAGMENT: the server's part of that name
    check "lie: $1" "$2" "$3" "$forge" structure list --db "$hostile/$1"
}
lie honest        0 "lenet-5"
lie nothing       65 "no listing"
lie garbage       65 "no listing"
lie object        65 "no listing"
lie names          0 "skipped \"\": it has no name and hash"
lie names          0 "lenet-5 "
lie path          65 "none of the 1 structures of its listing can be read"
lie lead           0 "skipped \"_lead\": a structure's name is not"
lie unreadable     0 "skipped \"bad\""
lie unreadable     0 "lenet-5 "
lie unreadable     0 "skipped \"bad\"" # each time, and not only the first
lie gone           0 "skipped \"gone\""
lie awkward        0 "and 3 more"
lie hash          65 "not the structure that the listing names"
lie twice          0 "skipped \"again\": the listing has this structure already, as lenet-5"
lie name          65 "not the structure that the listing names"
lie deep          65 "deep"
lie anchors       65 "anchors are not allowed"
lie control       65 "control characters"
lie several       65 "not the structure"
lie truncated     65 "does not answer as a structure database does"
lie endless       65 "answers with more than"
lie redirect      65 "has moved to"
lie error         65 "answers 500"
lie many          65 "no listing"
lie terminal      65 "moved to http://x/[31m2J:"
lie slow          65 "too slow"
check "honest copy"      0 "lenet-5"                    "$forge" structure list --db "$hostile/turning"
check "then it lies"    65 "no listing"                 "$forge" structure list --db "$hostile/turning"
check "copy is whole"    0 "304"                        bash -c "'$forge' structure list --db '$hostile/turning' >/dev/null; tail -n1 hostile.log"

# ---- a name on the certificate, and nobody who vouches for it ----
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>/dev/null
    serve tls.log --db served.db --tls-cert cert.pem --tls-key key.pem
    check "unknown signer" 65 "not who it says it is"   "$forge" structure list --db "${url/127.0.0.1/localhost}"
fi
checks_end

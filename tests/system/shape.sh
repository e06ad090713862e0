#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What scripts/shape says of a small tree: that it is well, and of each fault where it is. Usage: shape.sh SOURCE-FOLDER
set -u
source=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0 failed=0

# tree: 120 files of ten functions in six folders, which include nothing of each other
tree() {
    rm -rf "${folder:?}/t"
    mkdir -p "$folder/t/scripts"
    cp "$source/scripts/shape" "$folder/t/scripts"
    cd "$folder/t" || exit 1
    printf 'function-lines * 51\nfile-lines * 600\nfiles * 20\nparameters * 6\nword frobnicate 0\n' >scripts/shape.limits
    for f in a b c d e f; do
        mkdir $f
        for i in {1..20}; do
            for j in {0..9}; do printf 'int %s_%s_%s(int x, int y)\n{\n    return x + y;\n}\n\n' $f "$i" "$j"; done >$f/"$i".c
            printf 'int %s_%s_1(int x, int y);\n' $f "$i" >$f/"$i".h
        done
    done
}
# check NAME STATUS FRAGMENT: exit status, and a fragment of what it says
check() {
    local said code
    said=$(scripts/shape 2>&1)
    code=$?
    if [ "$code" = "$2" ] && [[ $said == *"$3"* ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1: exit $code (not $2), \"${said: -400}\" (should hold \"$3\")"
    fi
}

tree; check "well" 0 "240 files and 1200 functions looked at, 0 beyond"
rm -r b c d e f; check "too little" 1 "only 40 files"
tree; { echo 'int long_one(void)'; echo '{'; yes '    f();' | head -n 50; echo '}'; } >>a/1.c; check "function" 1 "a/1.c:51: long_one(): lines: 53, and 51"
echo 'function long_one 53' >>scripts/shape.limits; check "known" 0 "0 beyond"
tree; { echo 'int long_one(void)'; echo '{'; yes '    /* f( { */' | head -n 60; yes '' | head -n 60; echo '}'; } >>a/1.c; check "comments" 0 "0 beyond"
tree; echo 'void many(int a, int b, void (*c)(int, int), int d, int e, int f, int g) { }' >>a/1.c; check "parameters" 1 "many(): parameters: 7, and 6"
tree; echo 'static const struct t t = { f(1, 2, 3, 4, 5, 6, 7, 8) };' >>a/1.c; check "no function" 0 "1200 functions"
tree; yes '/**/' | head -n 600 >>a/2.h; check "file" 1 "a/2.h: lines: 601, and 600"
tree; cp a/1.c a/21.c; check "folder" 1 "a: .c files: 21, and 20"
tree; echo 'int call_two(void) { return a_2_1(0, 0); }' >>a/1.c; check "one way" 0 "0 beyond"
echo 'int call_three(void) { return a_3_1(0, 0); }' >>a/2.c; echo 'int call_one(void) { return a_1_1(0, 0); }' >>a/3.c
check "circle" 1 "a: .c files in circles: 3, and 0"
echo 'circle a 3' >>scripts/shape.limits; check "known circle" 0 "0 beyond"
sed -i '$d' a/3.c; check "smaller" 0 "1 exceptions are smaller"
scripts/shape --shrink >/dev/null; check "shrunk" 0 "0 beyond"
! grep -q circle scripts/shape.limits || { echo "FAIL shrunk: the circle stands still"; failed=$((failed + 1)); }
tree; echo '#include "b/1.h"' >>a/1.c; check "a view" 0 "a                        b"
echo '#include "a/1.h"' >>b/1.h; check "both ways" 1 "folders include each other: a,b: 2, and 0"
tree; echo '/* a frobnicate */' >>a/1.c; check "word" 1 "'frobnicate', last in a/1.c:51: times: 1, and 0"
tree; echo '/* it is frobnicated */' >>a/1.c; check "another word" 0 "0 beyond"
tree; echo 'parameters' >>scripts/shape.limits; check "a bad line" 1 "scripts/shape.limits:6"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

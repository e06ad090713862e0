#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What scripts/assertions says of a small tree, and of this one. Usage: assertions.sh SOURCE-FOLDER
set -u
source=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

"$source/scripts/assertions" || failed=1

mkdir -p "$folder/scripts" "$folder/a/b"
cp "$source/scripts/assertions" "$folder/scripts"
cd "$folder" || exit 1
# check NAME STATUS FRAGMENT: exit status, and a fragment of what it says
check() {
    local said code
    said=$(scripts/assertions 2>&1)
    code=$?
    if [ "$code" != "$2" ] || [[ $said != *"$3"* ]]; then
        echo "FAIL $1: exit $code (not $2), \"$said\" (should hold \"$3\")"
        failed=1
    fi
}

printf '# head\na 20\n' >scripts/assertions.limits
{ echo 'int f(int x)'; echo '{'; yes '    x++;' | head -n 95; echo '    insist(x > 0, "%d",'; echo '           x);'; echo '}'; } >a/1.c
check "too few" 1 "a has 10.0 assertions by thousand lines, and had 20.0"
{ echo '/* insist(no); */'; echo '    "'; echo; } >>a/1.c
sed -i '$d' a/1.c; sed -i '$d' a/1.c
check "none in a comment" 1 "a has 10.0"
printf 'void g(void)\n{\n    insist(1);\n    insist(2);\n}\n' >a/b/2.h
check "below, and headers" 0 "a                   105        3       28.5     20.0"
scripts/assertions --raise >/dev/null
grep -q '^# head$' scripts/assertions.limits && grep -q '^a 28.5$' scripts/assertions.limits || { echo "FAIL raised: $(cat scripts/assertions.limits)"; failed=1; }
check "raised" 0 "28.5"
echo 'nowhere 3' >>scripts/assertions.limits
check "no such folder" 1 "scripts/assertions.limits:3"
exit "$failed"

#!/bin/bash
# Installs the build below a prefix that it was not configured for and tries it as a user would: everything is there, nothing is
# written elsewhere, the programs find their library and their configuration, units and pages name what is there, and a
# program compiles against it with what pkg-config says, and with what CMake finds.
set -euo pipefail

prefix=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true; rm -rf "$prefix"' EXIT
failed=0
complain() {
    echo "test_install: $*" >&2
    failed=1
}
install_into() { cmake --install "$WISP_BINARY_DIR" --prefix "$1" >"$prefix/log"; }

install_into "$prefix"
outside=$(grep -v "^$prefix/" "$WISP_BINARY_DIR/install_manifest.txt" || true)
[ -z "$outside" ] || complain "written outside the prefix: $outside"

for file in bin/wisp bin/wisp-forge sbin/wispd include/wisp/wisp.h include/wisp/media.h include/wisp/status.h include/wisp/formats.h etc/wisp/wispd.yaml \
    lib/systemd/system/wispd.service lib/systemd/system/wispd.socket lib/sysusers.d/wisp.conf lib/tmpfiles.d/wisp.conf \
    share/bash-completion/completions/wisp share/zsh/vendor-completions/_wisp share/fish/vendor_completions.d/wisp.fish \
    share/man/man1/wisp.1 share/man/man1/wisp-run.1 share/man/man5/wispd.yaml.5; do
    [ -f "$prefix/$file" ] || complain "not installed: $file"
done
for model in "$WISP_SOURCE_DIR"/models/*.safetensors; do
    [ ! -f "$model" ] || cmp -s "$model" "$prefix/share/wisp/models/${model##*/}" || complain "not installed: $model"
done

# ---- the programs find what is theirs

env -u LD_LIBRARY_PATH "$prefix/bin/wisp" version | grep -q '^wisp ' || complain "bin/wisp does not run"
"$prefix/bin/wisp" structure show --layers 4-2 --sparsity 0.5 >/dev/null || complain "bin/wisp does not find wisp-forge"
listed=$(WISP_DB=$prefix/new.db "$prefix/bin/wisp" structure list 2>&1) || complain "wisp structure list: $listed"
[[ $listed == *lenet-300-100* ]] || complain "bin/wisp does not find the structures that ship"
"$prefix/sbin/wispd" --help | grep -qF "($prefix/etc/wisp/wispd.yaml)" || complain "sbin/wispd has another configuration"
said=$("$prefix/sbin/wispd" -t 2>&1) || complain "wispd -t: $said"
shipped=$(find "$WISP_SOURCE_DIR/models" -name '*.safetensors' | wc -l)
[[ $said == *"$prefix/etc/wisp/wispd.yaml is good: $shipped models"* ]] || complain "wispd -t says: $said"

model=$prefix/share/wisp/models/langid.safetensors
"$prefix/bin/wisp" show "$model" >/dev/null || complain "bin/wisp does not show a model file"
# As a person's PATH is, without sbin.
said=$(PATH=/usr/bin:/bin "$prefix/bin/wisp" run --model "$model" --text hello 2>&1) || complain "bin/wisp does not find wispd: $said"

# ---- the unit and the configuration name what is there

unit=$prefix/lib/systemd/system/wispd.service
for path in $(grep -ohE "(^|[ =:\"])-?$prefix/[^ \"]+" "$unit" "$prefix/etc/wisp/wispd.yaml" | sed 's/^[ =:"]*-*//' | sort -u); do
    [ -e "$path" ] || complain "an installed file names $path, which is not there"
done
wrong=$(grep -nE '/usr/sbin/wispd|/usr/share/wisp|[ ="]/etc/wisp' "$unit" "$prefix/etc/wisp/wispd.yaml" || true)
[ -z "$wrong" ] || complain "a path of another prefix: $wrong"
grep -qF "ExecStart=\"$prefix/sbin/wispd\" --config \"$prefix/etc/wisp/wispd.yaml\"" "$unit" || complain "what does the unit start?"

# The prefix /usr has its configuration in /etc.
root=$prefix/root
DESTDIR=$root install_into /usr
[ -f "$root/etc/wisp/wispd.yaml" ] && [ ! -e "$root/usr/etc" ] || complain "the prefix /usr, but no /etc/wisp/wispd.yaml"
grep -qF 'ExecStart="/usr/sbin/wispd" --config "/etc/wisp/wispd.yaml"' "$root/usr/lib/systemd/system/wispd.service" ||
    complain "the prefix /usr: the unit starts something else"

# Each file is in a package; a library's folder is another one there, and so is that of units.
mapfile -t packaged < <(cat "$WISP_SOURCE_DIR"/debian/*.install | sed 's#^usr/lib/\*/#usr/lib/#; s#^lib/#usr/lib/#')
# shellcheck disable=SC2053  # a pattern, and all that is below it
while read -r file; do
    for pattern in "${packaged[@]}"; do
        [[ $file == $pattern || $file == $pattern/* ]] && continue 2
    done
    complain "no debian/*.install has $file"
done < <(cd "$root" && find etc usr -type f)

# A prefix with a space in it, where systemd, too, takes each path for one word.
root="$prefix/root two"
DESTDIR=$root install_into "/opt/my apps"
unit="$root/opt/my apps/lib/systemd/system/wispd.service"
[ -f "$root/opt/my apps/etc/wisp/wispd.yaml" ] || complain "a prefix with a space: not installed"
bare=$(sed 's/"[^"]*"//g' "$unit" | grep -F '/opt/my apps' || true)
[ -z "$bare" ] || complain "a prefix with a space: the unit has it bare: $bare"

# What the operator has changed is his.
echo '# mine' >>"$prefix/etc/wisp/wispd.yaml"
install_into "$prefix"
tail -n 1 "$prefix/etc/wisp/wispd.yaml" | grep -qx '# mine' || complain "installing again overwrote the configuration"
[ -f "$prefix/etc/wisp/wispd.yaml.dist" ] || complain "installing again left no new configuration beside the changed one"

# ---- links in what is there to read

dangling() { # FOLDER: every relative link of its pages that leads nowhere
    local page link
    find "$1" -name '*.md' -not -path "$1/build/*" -print | while read -r page; do
        { grep -oE '\]\([^)#]+' "$page" || true; } | sed 's/^](//' | { grep -vE '^[a-z]+:' || true; } | while read -r link; do
            [ -e "$(dirname "$page")/$link" ] || echo "${page#"$1"/}: $link"
        done
    done
}
pages=$(find "$prefix/share/doc" -name '*.md' | wc -l)
[ "$pages" -ge 10 ] || complain "only $pages pages are installed"
found=$(dangling "$prefix/share/doc" && dangling "$WISP_SOURCE_DIR")
[ -z "$found" ] || complain "links that lead nowhere: $found"

# ---- programs that use the libraries

libraries=$(dirname "$(find "$prefix/lib" -name libwisp.so)")
example=$WISP_SOURCE_DIR/examples/classify.c
try() { # PROGRAM: without a daemon it says so
    local said
    said=$(LD_LIBRARY_PATH=$libraries WISP_SOCKET=$prefix/none "$1" image x.png 2>&1) && complain "no daemon, yet: $said"
    [[ $said == *"not running"* ]] || complain "without a daemon $1 says: $said"
}
export PKG_CONFIG_PATH=$libraries/pkgconfig
# shellcheck disable=SC2046
cc -Wall -Werror "$example" $(pkg-config --cflags --libs wisp-media) -o "$prefix/by-pkg-config" ||
    complain "examples/classify.c does not compile with what pkg-config says"
try "$prefix/by-pkg-config"
# What the README and the manual show in full are programs.
sed -n '/^    #include <stdio.h>/,/^    }/s/^    //p' "$WISP_SOURCE_DIR/README.md" >"$prefix/readme.c"
sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$WISP_SOURCE_DIR/docs/man/libwisp.3" | sed '/^\./d; s/\\e/\\/g' >"$prefix/manual.c"
for shown in readme manual; do
    # shellcheck disable=SC2046
    cc -Wall -Werror "$prefix/$shown.c" $(pkg-config --cflags --libs wisp-media) -o "$prefix/$shown" ||
        complain "the program in the $shown does not compile"
    said=$(LD_LIBRARY_PATH=$libraries WISP_SOCKET=$prefix/none "$prefix/$shown" x.png 2>&1) # they are short, and end with 0
    [[ $said == *"not running"* ]] || complain "without a daemon the program in the $shown says: $said"
done
# Who has tensors has libwisp and libc.
# shellcheck disable=SC2046
cc -Wall -Werror -Wl,--no-as-needed "$WISP_SOURCE_DIR/tests/unit/client/abi/tensors_only.c" $(pkg-config --cflags --libs wisp) -o "$prefix/tensors" ||
    complain "a program that has tensors does not compile with what pkg-config says of wisp"
loaded=$(LD_LIBRARY_PATH=$libraries ldd "$prefix/tensors" | awk '$2 == "=>" { print $1 }' | sort | tr '\n' ' ')
[ "$loaded" = "libc.so.6 libwisp.so.0 " ] || complain "a program that has tensors loads $loaded"
[ ! -e "$prefix/include/wisp/private.h" ] || complain "wisp/private.h is installed"

mkdir "$prefix/user"
cat >"$prefix/user/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(wisp REQUIRED COMPONENTS media)
add_executable(by-cmake $example)
target_link_libraries(by-cmake PRIVATE wisp::media)
add_executable(tensors $WISP_SOURCE_DIR/tests/unit/client/abi/tensors_only.c)
target_link_libraries(tensors PRIVATE wisp::wisp)
find_package(wisp QUIET COMPONENTS telepathy)
if(wisp_FOUND)
  message(FATAL_ERROR "wisp has every component")
endif()
END
if cmake -G Ninja -S "$prefix/user" -B "$prefix/user/build" -DCMAKE_PREFIX_PATH="$prefix" >"$prefix/log" 2>&1 &&
    cmake --build "$prefix/user/build" >>"$prefix/log" 2>&1; then
    try "$prefix/user/build/by-cmake"
else
    tail -n 20 "$prefix/log" >&2
    complain "find_package(wisp) does not do"
fi

# ---- and all of it together

WISP_SOCKET=$prefix/wisp.sock
export WISP_SOCKET
"$prefix/sbin/wispd" --socket "$WISP_SOCKET" --config "$prefix/etc/wisp/wispd.yaml" 2>"$prefix/log" &
daemon=$!
for _ in $(seq 200); do
    ! "$prefix/bin/wisp" ping --count 1 --timeout 100 >/dev/null 2>&1 || break
    sleep 0.05
done
said=$("$prefix/bin/wisp" run image "$WISP_SOURCE_DIR/examples/picture.png" 2>&1) || complain "wisp run: $said"
[[ $said == *"Ankle boot"* ]] || complain "the installed model says: $said"

exit $failed

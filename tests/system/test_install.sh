#!/bin/bash
# Installs the build below a prefix of its own and tries it as a user would: everything is there, nothing is written
# elsewhere, the programs find their library, and a program compiles against it with what pkg-config says.
set -euo pipefail

prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
failed=0
complain() {
    echo "test_install: $*" >&2
    failed=1
}

cmake --install "$WISP_BINARY_DIR" --prefix "$prefix" >"$prefix/log"
outside=$(grep -v "^$prefix/" "$WISP_BINARY_DIR/install_manifest.txt" || true)
[ -z "$outside" ] || complain "written outside the prefix: $outside"

for file in bin/wisp bin/wisp-forge sbin/wispd include/wisp/wisp.h include/wisp/status.h etc/wisp/wispd.yaml \
    lib/systemd/system/wispd.service lib/systemd/system/wispd.socket lib/sysusers.d/wisp.conf lib/tmpfiles.d/wisp.conf \
    share/bash-completion/completions/wisp share/zsh/vendor-completions/_wisp share/fish/vendor_completions.d/wisp.fish \
    share/man/man1/wisp.1 share/man/man1/wisp-run.1 share/man/man5/wispd.yaml.5; do
    [ -f "$prefix/$file" ] || complain "not installed: $file"
done
for model in "$WISP_SOURCE_DIR"/models/*.safetensors; do
    [ ! -f "$model" ] || cmp -s "$model" "$prefix/share/wisp/models/${model##*/}" || complain "not installed: $model"
done

env -u LD_LIBRARY_PATH "$prefix/bin/wisp" version | grep -q '^wisp ' || complain "bin/wisp does not run"
"$prefix/bin/wisp" structure show --layers 4-2 --sparsity 0.5 >/dev/null || complain "bin/wisp does not find wisp-forge"
"$prefix/sbin/wispd" --version >/dev/null || complain "sbin/wispd does not run"

export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name wisp.pc)")
# shellcheck disable=SC2046
cc -Wall -Werror "$WISP_SOURCE_DIR/examples/classify.c" $(pkg-config --define-prefix --cflags --libs wisp) \
    -o "$prefix/classify" || complain "examples/classify.c does not compile against the installed library"
libraries=$(dirname "$(find "$prefix" -name libwisp.so)")
said=$(LD_LIBRARY_PATH=$libraries WISP_SOCKET=$prefix/none "$prefix/classify" image x.png 2>&1) && complain "no daemon, yet: $said"
[[ $said == *"not running"* ]] || complain "without a daemon the example says: $said"

exit $failed

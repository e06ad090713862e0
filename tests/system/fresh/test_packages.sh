#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The packages that scripts/package makes, in a Debian 12 that has nothing: installed, used, upgraded, removed. Exits 77 where there can be no
# such system, or no packages, and says why. WISP_PACKAGES: a folder of packages that were made before.
set -u
export LC_ALL=C.UTF-8
here=$(dirname "$(readlink -f "$0")")
. "$here/debian.sh"
. "$here/next_version.sh"
debian_check || exit 77

failed=0
complain() {
    echo "test_packages: $*"
    failed=1
}
log=$(mktemp)
packages=$(mktemp -d)
if [ -n "${WISP_PACKAGES:-}" ]; then
    cp "$WISP_PACKAGES"/*.deb "$packages"
else
    (cd "$here/../../.." && ./scripts/package "$packages") >"$log" 2>&1
fi
status=$?
if [ $status -ne 0 ]; then
    tail -n 40 "$log"
    [ $status = 77 ] || echo "test_packages: scripts/package failed"
    exit $status
fi
debian_start "$here/../../.." || exit 1

# What is handed over to the fresh system.
hand_over() { # FOLDER NAME
    tar -C "$1" -cf - . | nsenter -t "$DEBIAN_INIT" -m sh -c "mkdir -p '$DEBIAN_WORK/root/$2' && tar --no-same-owner -C '$DEBIAN_WORK/root/$2' -xf -"
}
quietly() { # TEXT COMMAND…
    local text=$1
    shift
    debian "$@" >"$log" 2>&1 || { tail -n 20 "$log"; complain "$text failed"; }
}

hand_over "$packages" packages
quietly "apt-get update" apt-get update
quietly "installing" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends /packages/*.deb'
for program in /usr/bin/wisp /usr/bin/wisp-forge /usr/sbin/wispd; do
    debian test -x $program || complain "$program is not installed"
done
debian getent passwd wisp >/dev/null || complain "there is no user wisp"
debian test -d /var/lib/wisp/models || complain "there is no /var/lib/wisp/models"
[ "$(debian readlink /etc/systemd/system/sockets.target.wants/wispd.socket)" = /lib/systemd/system/wispd.socket ] ||
    complain "wispd.socket is not enabled"
[[ $(debian wispd -t 2>&1) == *"/etc/wisp/wispd.yaml is good"* ]] || complain "wispd -t: $(debian wispd -t 2>&1 | tail -n 3)"

# As it would be used; and a program that is linked against it.
said=$(debian sh -c 'wispd --socket /tmp/w.sock -l error & pid=$!
    export WISP_SOCKET=/tmp/w.sock
    for _ in $(seq 200); do wisp ping -c 1 -t 100 >/dev/null 2>&1 && break; sleep 0.05; done
    wisp run image examples/picture.png; kill $pid; wait $pid' 2>&1)
[[ $said == *"Ankle boot"* ]] || complain "wisp run says: $said"
quietly "installing a compiler" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc libc6-dev pkg-config'
# shellcheck disable=SC2016
quietly "compiling examples/classify.c" sh -c 'cc -Wall -Werror examples/classify.c $(pkg-config --cflags --libs wisp-media) -o /tmp/classify'

# ---- the next version, over a configuration that the operator has changed

next=$(mktemp -d)
next_version "$packages" "$next" || complain "no next version"
hand_over "$next" next
debian sh -c 'echo "# mine" >>/etc/wisp/wispd.yaml'
quietly "upgrading" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold /next/*.deb'
[ "$(debian dpkg-query -W -f '${Version}' wispd)" = 0.1.1 ] || complain "it was not upgraded"
debian grep -qx '# mine' /etc/wisp/wispd.yaml || complain "the upgrade took the operator's configuration"

# ---- and gone

quietly "removing" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get purge -y wisp wispd wisp-forge wisp-models libwisp0 libwisp-media0 libwisp-dev'
left=$(debian sh -c 'ls -d /etc/wisp /usr/bin/wisp* /usr/sbin/wispd /usr/lib/*/libwisp* /usr/share/wisp /etc/systemd/system/*/wispd* 2>/dev/null')
[ -z "$left" ] || complain "what stays behind: $left"

rm -rf "$packages" "$next" "$log"
[ $failed = 0 ] && echo "test_packages: installed, used, upgraded, removed"
exit $failed

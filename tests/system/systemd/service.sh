#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# service.sh: what tests of wispd as a service share. To be sourced:
#
#   check TEXT COMMAND…      a line, "ok" or "FAIL"; equal, like and empty are such commands
#   service_install          makes a machine, and in $tree what it is to have: this build, where it has $unit, $config and
#                            $daemon, /srv with programs
#   property, journal, is_serving, as_user, drop_in    of the service, in the machine
#   power_off                the last check; says how many passed, and exits

set -u
export LC_ALL=C.UTF-8
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source_dir=${WISP_SOURCE_DIR:-$(readlink -f "$here/../../..")}
binary_dir=${WISP_BINARY_DIR:-$source_dir/build/release}
. "$here/boot.sh"
machine_check || exit 77

began=$(date +%s%N)
passed=0 failed=0

# check TEXT COMMAND…
check() {
    local text=$1 verdict=ok
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1)) verdict=FAIL
    fi
    printf '%-4s [%5d ms] %s\n' $verdict $((($(date +%s%N) - began) / 1000000)) "$text"
}

# equal ACTUAL EXPECTED; like TEXT PATTERN (a glob)
equal() { [ "$1" = "$2" ] || { echo "     '$1' instead of '$2'"; return 1; }; }
# shellcheck disable=SC2053  # a pattern on purpose
like() { [[ $1 == $2 ]] || { echo "     '$1' is not like '$2'"; return 1; }; }
empty() { [ -z "$1" ] || { echo "     $1"; return 1; }; }

quietly() { "$@" >/dev/null; }

property() { machine systemctl show -P "$1" wispd.service; }
is_serving() { [ "$(property ActiveState)/$(property SubState)" = active/running ]; }
has_restarted() { [ "$(property NRestarts)" -ge "$1" ] && is_serving; }
journal() { machine journalctl -q --no-pager -o cat -u wispd.service; }
as_user() { machine setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"; }
milliseconds_since() { echo $((($(date +%s%N) - $1) / 1000000)); }

# drop_in UNIT LINE…: as `systemctl edit UNIT`.
drop_in() {
    local folder=/etc/systemd/system/$1.d
    shift
    printf '%s\n' "$@" | machine sh -c "mkdir -p $folder && cat >$folder/override.conf"
    machine systemctl daemon-reload
}

service_install() {
    machine_init
    tree=$MACHINE_WORK/tree
    DESTDIR=$tree cmake --install "$binary_dir" >/dev/null || exit 1
    unit=$(find "$tree" -name wispd.service)
    unit=${unit#"$tree"}
    config=$(find "$tree" -name wispd.yaml)
    config=${config#"$tree"}
    # shellcheck disable=SC2034  # test_unit.sh uses it
    daemon=$(sed -n 's/^ExecStart="\([^"]*\)".*/\1/p' "$tree$unit")
    mkdir -p "$tree/srv"
    if ! find "$tree" -name fashion.safetensors | grep -q .; then
        echo "no machine: this build installs no models to serve" >&2
        exit 77
    fi
    cp "$binary_dir"/tests/bin/{wisp-steady,wispd-hold} "$tree/srv/"
    cp -r "$source_dir/examples" "$tree/srv/"
    case $unit in
    /usr/lib/* | /usr/local/lib/* | /lib/*) ;;
    *) echo "no machine here: this build installs its units to $unit, where systemd does not look" >&2; exit 77 ;;
    esac
}

power_off() {
    check "the machine powers off by itself" machine_stop
    echo "$passed passed, $failed failed"
    [ $failed = 0 ]
    exit
}

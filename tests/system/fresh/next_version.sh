#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# next_version.sh: to be sourced. next_version PACKAGES FOLDER: the same packages in FOLDER, as version 0.1.1.
next_version() {
    local package part result=0
    for package in "$1"/*.deb; do
        part=$(mktemp -d)
        dpkg-deb -R "$package" "$part" &&
            sed -i 's/0\.1\.0/0.1.1/g' "$part/DEBIAN/control" &&
            dpkg-deb --root-owner-group -Zgzip -z1 -b "$part" "$2" >/dev/null || { echo "cannot repack $package" >&2; result=1; }
        rm -rf "$part"
    done
    return $result
}

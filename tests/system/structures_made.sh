#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The structures that ship are what the script makes of them: nobody has edited them where the next run undoes it.
# usage: structures_made.sh SOURCE-FOLDER
set -eu
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
"$1/scripts/make-structures" "$folder"
diff -r "$folder" "$1/config/structures"

# SPDX-License-Identifier: Apache-2.0
"""Makes of a database one as an older version might have left it: hashes and names by no rule. usage: make_old.py DATABASE"""
import sqlite3
import sys

database = sqlite3.connect(sys.argv[1])
database.executescript("""DROP INDEX structure_place; DROP INDEX structure_depth; ALTER TABLE structure DROP COLUMN kinds;
CREATE INDEX structure_place ON structure (processing, depth, name); CREATE INDEX structure_depth ON structure (depth);
PRAGMA user_version = 3;""")


def add(name, hash, document, processing="image.classification"):
    database.execute("INSERT INTO structure (hash, name, processing, network, depth, layers, potential, document)"
                     " VALUES (?, ?, ?, '', 1, 1, 1, ?)", (hash, name, processing, document))


body = "processing: image.classification\ninput: [1, 8, 8]\nlayers:\n"
pool = body + "  - max_pool: {name: p%s}\n  - linear: {name: l, neurons: 2}\n"
add("_lead", "%032x" % 1, "name: _lead\n" + pool % ", kernel: 4, stride: 4")
add("lead", "%032x" % 2, "name: lead\n" + pool % ", stride: 1")
add("twin-a", "%032x" % 3, "name: twin-a\n" + pool % ", stride: 2")
add("twin-b", "%032x" % 4, "name: twin-b\n" + pool % "")
add("broken", "%032x" % 5, "name: broken\n" + body + "  - linear: {name: *a, neurons: 3}\n")
database.commit()

# SPDX-License-Identifier: Apache-2.0
"""A server of structures that lies, each time in another way: /NAME/structures. Prints its port, then a line a request.

usage: remote_hostile.py DOCUMENT <LISTING   (the canonical document of lenet-5, and a listing with it)
"""
import http.server
import json
import re
import sys
import time

document = open(sys.argv[1], "rb").read()
seen = {}


def entry(**changes):
    made = {"name": "lenet-5", "processing": "image.classification", "network": "cnn", "depth": 5, "layers": 12,
            "potential": 61470, "hash": "HASH"}
    made.update(changes)
    return made


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200, **headers):
        if isinstance(body, str):
            body = body.encode()
        print(status, self.path, flush=True)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        self.end_headers()
        self.wfile.write(body)

    def listing(self, *entries):
        self.answer(json.dumps(list(entries)))

    def do_GET(self):
        lie, name = self.path.split("/")[1], self.path.split("/")[3:]
        good = entry(hash=seen["hash"])
        try:
            getattr(self, "lie_" + lie)(good, bool(name))
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.close_connection = True

    def lie_honest(self, good, one):
        self.answer(document) if one else self.listing(good)

    def lie_nothing(self, good, one):
        self.answer("")

    def lie_garbage(self, good, one):
        self.answer(bytes(range(256)) * 10)

    def lie_object(self, good, one):
        self.answer('{"structures": []}')

    def lie_names(self, good, one):
        self.answer(document) if one else self.listing(good, {"name": 7, "hash": "x"})

    def lie_path(self, good, one):
        self.listing(entry(hash=good["hash"], name="../../../etc/passwd"))

    def lie_lead(self, good, one):
        self.answer(document) if one else self.listing(good, entry(name="_lead"), entry(name="--help"), entry(name="x.yaml"))

    def lie_unreadable(self, good, one):
        if not one:
            self.listing(good, entry(name="bad", hash="1" * 32))
        elif self.path.endswith("/bad"):
            self.answer("name: bad\nnetwork: x: y\n")
        else:
            self.answer(document)

    def lie_gone(self, good, one):
        if self.path.endswith("/gone"):
            self.answer("no such structure", 404)
        else:
            self.answer(document) if one else self.listing(good, entry(name="gone", hash="2" * 32))

    def lie_awkward(self, good, one):
        names = ["*a", "'q", "!x", "x: y", '"', "#", "- ", "~", "\u202e", "\x1b[2J", " a", "a ", "a/b"]
        self.answer(document) if one else self.listing(good, *(entry(name=name) for name in names))

    def lie_hash(self, good, one):
        self.answer(document) if one else self.listing(entry(hash="0" * 32))

    def lie_name(self, good, one):
        self.answer(document) if one else self.listing(entry(hash=good["hash"], name="other"))

    def lie_twice(self, good, one):
        wanted = self.path.split("/")[-1]
        self.answer(document.replace(b"name: lenet-5", b"name: " + wanted.encode(), 1)) if one else self.listing(
            good, entry(hash=good["hash"], name="again"))

    def lie_deep(self, good, one):
        self.answer("[" * 100000) if one else self.listing(good)

    def lie_anchors(self, good, one):
        self.answer("a: &a [x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(50))) if one else self.listing(good)

    def lie_control(self, good, one):
        self.answer(b"name: \x1b[2J\x07\n") if one else self.listing(good)

    def lie_several(self, good, one):
        self.answer("structures: []\n") if one else self.listing(good)

    def lie_truncated(self, good, one):
        self.answer(b"[", length="5000")
        self.connection.shutdown(2)

    def lie_endless(self, good, one):
        print(200, self.path, flush=True)
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b" " * (1 << 20))

    def lie_redirect(self, good, one):
        self.answer("", 302, Location="file:///etc/passwd")

    def lie_many(self, good, one):
        self.answer("[" + "[]," * 5000000 + "[]]")

    def lie_terminal(self, good, one):
        self.answer("", 302, Location="http://x/\x1b[31m\x9b2J")

    def lie_error(self, good, one):
        self.answer("\x1b[31mboom\nsecond line", 500)

    def lie_slow(self, good, one):
        print(200, self.path, flush=True)
        self.send_response(200)
        self.end_headers()
        for _ in range(60):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.5)

    def lie_turning(self, good, one):
        times = seen["turning"] = seen.get("turning", 0) + (not one)
        if one:
            self.answer(document)
        elif times == 1:
            self.answer(json.dumps([good]), ETag='"first"')
        elif times == 2:
            self.answer("nonsense", ETag='"second"')
        else: # whoever still has the first listing
            self.answer("", 304 if self.headers["If-None-Match"] == '"first"' else 500)


def main():
    seen["hash"] = re.search(r'"hash":"([0-9a-f]{32})"', sys.stdin.read()).group(1)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

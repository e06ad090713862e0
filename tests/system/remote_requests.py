# SPDX-License-Identifier: Apache-2.0
"""Requests that no client of wisp would send. usage: remote_requests.py ADDRESS TOKEN-FILE"""
import http.client
import json
import os
import socket
import sys
import threading
import time
import urllib.parse

where = urllib.parse.urlparse(sys.argv[1])
token = open(sys.argv[2]).read().strip()
bearer = {"Authorization": "Bearer " + token}


def ask(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=120)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def ask_again(method, path, chunks):
    """Who is refused before his body has come may lose the answer with the connection, and asks again."""
    for _ in range(50):
        try:
            return ask(method, path, iter(chunks))
        except ConnectionError:
            pass
    return 0, "no answer in 50 tries", None


def expect(status, method, path, body=None, headers=None, text=""):
    got, said, _ = ask_again(method, path, body) if isinstance(body, list) else ask(method, path, body, headers)
    if got != status or text not in said:
        print(f"{method} {path}: {got} (not {status}), {said[:200]!r} (should hold {text!r})", flush=True)
        os._exit(1) # from a thread too


def with_room(question):
    """One address has sixteen connections, and the server may not have seen yet that some are closed: then it turns the next away."""
    for left in range(100, -1, -1):
        try:
            return question()
        except ConnectionError:
            if not left:
                raise
            time.sleep(0.1)


def raw(data):
    with socket.create_connection((where.hostname, where.port), timeout=1) as connection:
        try:
            connection.sendall(data)
            return connection.recv(4096)
        except (ConnectionError, TimeoutError):
            return b""


expect(200, "GET", "/", text="structure database")
expect(404, "GET", "/other")
expect(404, "GET", "/structuresque")
expect(404, "GET", "/structures/../../etc/passwd")
expect(404, "GET", "/structures/%2e%2e%2fetc")
expect(404, "GET", "/structures/no'; DROP TABLE structure; --".replace(" ", "%20"))
expect(400, "GET", "/structures?depth=x")
for method in ("GET", "DELETE"): # nobody may fill the server's memory
    expect(400, method, "/structures/lenet-5", b"x" * 1000, text="only POST")
    expect(400, method, "/structures/lenet-5", [b"x" * 1000], text="only POST")
expect(200, "GET", "/structures?depth=5&type=image", text="lenet-5")
expect(200, "GET", "/structures?type=nothing", text="[]")
status, body, headers = ask("GET", "/structures/lenet-5")
assert status == 200 and "name: lenet-5" in body, body
assert ask("GET", "/structures/lenet-5", None, {"If-None-Match": headers["ETag"]})[0] == 304
status, body, head = ask("HEAD", "/structures")
assert status == 200 and not body and int(head["Content-Length"]) > 1000
expect(405, "PUT", "/structures", "x")
expect(405, "PUT", "/structures")
expect(401, "POST", "/structures", "name: x")
expect(401, "POST", "/structures", "name: x", {"Authorization": "Bearer " + token[:-1]})
expect(401, "POST", "/structures", "name: x", {"Authorization": "Bearer " + token + "x"})
expect(401, "POST", "/structures", "name: x", {"Authorization": "Basic " + token})
expect(401, "DELETE", "/structures/lenet-5")
expect(422, "POST", "/structures", "", bearer)
expect(422, "POST", "/structures", "\0\1\2", bearer)
expect(422, "POST", "/structures", "[" * 5000, bearer)
expect(422, "POST", "/structures", "a: &a [1,1]\nb: [*a,*a]\n", bearer)
for status, more in ((b" 413 ", b"Authorization: Bearer " + token.encode() + b"\r\n"), (b" 401 ", b"")):
    said = raw(b"POST /structures HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n" + more + b"\r\n")
    assert status in said, said # at once, without the body
expect(400, "POST", "/structures/lenet-5", "x", bearer)
expect(400, "DELETE", "/structures", None, bearer)
expect(422, "DELETE", "/structures/,", None, bearer)
expect(404, "DELETE", "/structures/lenet-5,nobody", None, bearer)
expect(200, "GET", "/structures/lenet-5")
expect(404, "DELETE", "/structures/" + ",".join(["lenet-5"] + ["x"] * 70), None, bearer, "this database")
expect(200, "GET", "/structures/lenet-5")
for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"\0" * 100, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 50000 + b"\r\n",
             b"POST /structures HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
             b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n"):
    raw(data)
# What other readers of YAML, or clients, could not read is not taken in.
plain = {"name": "w", "processing": "a.b", "network": "mlp", "layer": "l", "block": "b"}
awkward = ["*a", "'q", "!x", "x: y", '\\"', "#", "- ", "~", "a b", "\u540d", " a", "a ", ""]
unfit = {"name": awkward + ["-", "--help", "_lead", "foo.yaml"], "processing": awkward + ["A", "a.b.c"],
         "network": awkward + ["-", "_x"], "layer": awkward + ["-", "--help", "_lead", "input"], "block": awkward + ["_lead"]}
for key, words in unfit.items():
    for word in words:
        expect(422, "POST", "/structures", """name: "{name}"
processing: "{processing}"
network: "{network}"
input: 3
layers: [{{linear: {{name: "{layer}", neurons: 2}}}}, {{repeat: 2, name: "{block}", layers: [{{linear: 2}}]}}]
""".format(**{**plain, key: word}).encode(), bearer)
expect(422, "POST", "/structures", "name: w\nprocessing: a.b\ninput: 3\nbase: /etc/passwd\nlayers: [{linear: 2}]\n", bearer,
       "names a file of one machine")
expect(422, "POST", "/structures", "name: w\nname: v\nprocessing: a.b\ninput: 3\nlayers: [{linear: 2}]\n", bearer, "given twice")
expect(422, "POST", "/structures", "name: w\nprocessing: a.b\ninput: [-18446744073709551615]\nlayers: [{linear: 2}]\n", bearer)
expect(422, "POST", "/structures", "structures:\n" + "".join(
    f"- {{name: r{i}, processing: a.b, input: {i + 1}, layers: [{{repeat: 1000, layers: [relu, relu, relu, relu]}}]}}\n"
    for i in range(500)), bearer, "more than 100000 layers")
expect(200, "GET", "/structures?type=a", text="[]")
expect(200, "GET", "/structures?network=transformer&depth=18", text="vit-tiny-4")
expect(200, "GET", "/structures?network=none", text="[]")
# As much as a request may hold, of many at once: the server has the memory of one (see who starts it), and goes on.
large = ("structures:\n" + "".join(f"- {{name: n%d-{i}, processing: a.b, input: {i + 1}, layers: [{'relu,' * 4000}relu]}}\n"
                                    for i in range(100)))
senders = [threading.Thread(target=expect, args=(201, "POST", "/structures", large.replace("n%d", f"n{k}", ).replace(
    "input: ", f"input: {k + 1}"), bearer)) for k in range(3)]
for sender in senders:
    sender.start()
answered = 0
while any(sender.is_alive() for sender in senders):
    expect(200, "GET", "/structures/lenet-5")
    answered += 1
assert answered > 3, answered # before the senders had theirs
held = [socket.create_connection((where.hostname, where.port), timeout=20) for _ in range(14)]
with_room(lambda: expect(200, "GET", "/structures/lenet-5"))
for connection in held:
    connection.close()
document = "name: asked\nprocessing: x.y\ninput: 3\nlayers: [{linear: 2}]\n"
answer = json.loads(with_room(lambda: ask("POST", "/structures", document, bearer))[1])
assert answer["stored"] == 1 and answer["structures"][0]["new_type"], answer
print("all right")

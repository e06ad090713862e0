# SPDX-License-Identifier: Apache-2.0
"""A wispd of our own on one core, and libwisp by ctypes to ask it; both sleep while they wait, so that who else runs on the machine takes little from them."""
import ctypes
import pathlib
import subprocess
import time

import numpy

SLOW_MS = 60000
NEVER = 0xFFFFFFFF


class Timings(ctypes.Structure):
    _fields_ = [("total_ns", ctypes.c_uint64), ("queue_ns", ctypes.c_uint64), ("compute_ns", ctypes.c_uint64), ("batch", ctypes.c_uint32),
                ("resubmitted", ctypes.c_uint32)]


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("socket_path", ctypes.c_char_p), ("name", ctypes.c_char_p), ("connect_ms", ctypes.c_uint32),
                ("reconnect_ms", ctypes.c_uint32), ("answer_ms", ctypes.c_uint32), ("spin_us", ctypes.c_uint32), ("entries", ctypes.c_uint32),
                ("input_bytes", ctypes.c_uint64), ("output_bytes", ctypes.c_uint64)]


class Label(ctypes.Structure):
    _fields_ = [("index", ctypes.c_uint32), ("probability", ctypes.c_float), ("name", ctypes.c_char * 257)]


class Served:
    """Models served by a daemon that is pinned to `core`, and a client of it. To be used with `with`."""

    def __init__(self, binaries, folder, models, core):
        self.socket = str(folder / "socket")
        config = folder / "wispd.yaml"
        config.write_text(f"log: {{level: warning}}\nspin: 0\nmodels:\n" + "".join(f"  - path: {path}\n" for path in models))
        self.daemon = subprocess.Popen(["taskset", "-c", str(core), binaries / "bin/wispd", "--config", config, "--socket", self.socket])
        self.lib = ctypes.CDLL(binaries / "lib/libwisp.so.0", mode=ctypes.RTLD_GLOBAL)
        self.media = ctypes.CDLL(binaries / "lib/libwisp-media.so.0")
        self.lib.wisp_last_error.restype = self.lib.wisp_model_decoder.restype = ctypes.c_char_p
        for function in ("wisp_request_input", "wisp_request_output"):
            getattr(self.lib, function).restype = ctypes.POINTER(ctypes.c_float)
        for function in ("wisp_model_input_size", "wisp_model_output_size", "wisp_model_words"):
            getattr(self.lib, function).restype = ctypes.c_size_t
        self.client = ctypes.c_void_p()
        options = Options(size=ctypes.sizeof(Options), socket_path=self.socket.encode(), connect_ms=SLOW_MS, spin_us=NEVER, entries=128,
                          input_bytes=1 << 28, output_bytes=1 << 28)
        while self.lib.wisp_connect(ctypes.byref(self.client), ctypes.byref(options)) and self.daemon.poll() is None:
            time.sleep(0.02)
        if not self.client:
            raise RuntimeError("wispd did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lib.wisp_close(self.client)
        self.daemon.terminate()
        self.daemon.wait()

    def processor(self):
        """Seconds of processor time that the daemon has had."""
        return sum(int(path.read_text().split()[0]) for path in pathlib.Path(f"/proc/{self.daemon.pid}/task").glob("*/schedstat")) / 1e9

    def check(self, result):
        if result:
            raise RuntimeError(f"libwisp: {self.lib.wisp_last_error().decode()}")

    def find(self, name):
        model = ctypes.c_void_p()
        self.check(self.lib.wisp_find(self.client, name.encode(), ctypes.byref(model)))
        return model

    def decoder(self, model):
        """Of one that compresses, the name of what makes pictures again."""
        return self.lib.wisp_model_decoder(model).decode()

    def request(self, model, rows):
        return Request(self, model, rows)

    def process(self, name, files, out):
        """From files to a file; seconds."""
        paths = (ctypes.c_char_p * (len(files) + 1))(*[str(file).encode() for file in files], None)
        begun = time.perf_counter()
        self.check(self.media.wisp_process_files(self.client, name.encode(), paths, str(out).encode(), None, None))
        return time.perf_counter() - begun

    def classify(self, name, file):
        """From a file to labels; seconds."""
        labels, count = (Label * 3)(), ctypes.c_size_t(3)
        begun = time.perf_counter()
        self.check(self.media.wisp_classify_file(self.client, name.encode(), str(file).encode(), labels, ctypes.byref(count), None))
        return time.perf_counter() - begun


class Request:
    """Samples of one model in shared memory, which may be sent again and again."""

    def __init__(self, served, model, rows):
        self.served, self.handle = served, ctypes.c_void_p()
        served.check(served.lib.wisp_request_new(served.client, model, rows, ctypes.byref(self.handle)))
        self.sizes = rows, served.lib.wisp_model_input_size(model), served.lib.wisp_model_output_size(model)
        if self.sizes[1]:  # one input, of float32
            self.input = numpy.ctypeslib.as_array(served.lib.wisp_request_input(self.handle), (rows * self.sizes[1],))

    def run(self):
        """Sends it and waits; seconds, and those of the daemon's pass."""
        lib, timings = self.served.lib, Timings()
        begun = time.perf_counter()
        result = lib.wisp_submit(self.handle) or lib.wisp_wait(self.handle, SLOW_MS)
        took = time.perf_counter() - begun
        self.served.check(result)
        lib.wisp_request_timings(self.handle, ctypes.byref(timings))
        return took, timings.compute_ns / 1e9

    def say(self, words):
        """The words of a decoder's source, of every sample."""
        self.served.lib.wisp_request_input_tensor.restype = ctypes.POINTER(ctypes.c_int32)
        numpy.ctypeslib.as_array(self.served.lib.wisp_request_input_tensor(self.handle, 0), words.shape)[:] = words

    def words(self):
        """How many a decoder's first sample has got."""
        count = ctypes.c_size_t(0)
        self.served.check(self.served.lib.wisp_request_words(self.handle, 0, None, ctypes.byref(count)))
        return count.value

    def output(self):
        rows, _, size = self.sizes
        return numpy.ctypeslib.as_array(self.served.lib.wisp_request_output(self.handle), (rows * size,)).copy()

    def free(self):
        self.served.lib.wisp_request_free(self.handle)

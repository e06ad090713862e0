# SPDX-License-Identifier: Apache-2.0
"""Those who make passes of a network, and their turns: wisp in a program beside this one, ONNX Runtime and OpenVINO in this one."""
import statistics
import time

import numpy
import onnxruntime
import openvino
from ours import NotMade, Wisp  # noqa: F401

SAME = 1e-4
ROUND_US = 20000  # that each takes of a round, about
QUIET_S = 0.02  # before each: threads of the one before still look for work, on processors that are this one's now


# ---- those who run it ----

class Here:
    """A library in this process: `self.run` is one pass, whose input and output are bound."""

    def measure(self, count):
        times = []
        for _ in range(count):
            begun = time.perf_counter()
            self.run()
            times.append(time.perf_counter() - begun)
        return statistics.median(times) * 1e6

    def close(self):
        pass


class OnnxRuntime(Here):
    name = "onnxruntime"

    def __init__(self, model, samples, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        binding.bind_cpu_input("input", samples)
        binding.bind_output(session.get_outputs()[0].name)
        self.run = lambda: session.run_with_iobinding(binding)
        self.run()
        self.answer = binding.copy_outputs_to_cpu()[0].ravel()


class OpenVino(Here):
    name = "openvino"

    def __init__(self, model, samples, threads):
        core = openvino.Core()
        network = core.read_model(model)
        network.reshape({"input": list(samples.shape)})
        compiled = core.compile_model(network, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32",
                                                       "PERFORMANCE_HINT": "LATENCY"})
        request = compiled.create_infer_request()
        request.set_input_tensor(openvino.Tensor(samples))
        self.run = request.infer
        self.run()
        self.answer = request.get_output_tensor().data.ravel().copy()


# ---- turns ----

def difference(a, b):
    return float(numpy.abs(a - b).max() / max(1.0, float(numpy.abs(b).max())))


def compare(runners, rounds):
    """Medians of the rounds in microseconds, by name. How many passes a round has, the first say."""
    counts = {r.name: max(3, min(1001, round(ROUND_US / max(r.measure(5), 1)))) for r in runners}
    times = {r.name: [] for r in runners}
    for _ in range(rounds):
        for r in runners:
            time.sleep(QUIET_S)
            times[r.name].append(r.measure(counts[r.name]))
    return {name: statistics.median(of) for name, of in times.items()}

"""A Python package that does what it is asked on standard input: see PythonEngine.swift."""

import os
import sys
import time

# Peers run on one thread, as Kerf does beside them.
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
    os.environ[name] = "1"

import numpy as np


class GGUF:
    """PyPI's gguf: its quantizers in NumPy."""

    def __init__(self):
        import gguf
        self.types = {each.name.lower(): each for each in gguf.GGMLQuantizationType}
        self.sizes = gguf.GGML_QUANT_SIZES
        self.quants = gguf.quants

    def work(self, source, target, data):
        if source == "f32":
            rows = data.view(np.float32).reshape(-1, 4096)
            return lambda: self.quants.quantize(rows, self.types[target.lower()])
        kind = self.types[source.lower()]
        elements, size = self.sizes[kind]
        rows = data.reshape(-1, 4096 // elements * size)
        return lambda: self.quants.dequantize(rows, kind)


class Torch:
    """PyTorch: the conversions between scalars."""

    def __init__(self):
        import torch
        torch.set_num_threads(1)
        self.types = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
        self.torch = torch

    def work(self, source, target, data):
        tensor = self.torch.from_numpy(data).view(self.types[source])
        result = self.torch.empty(tensor.shape, dtype=self.types[target])
        return lambda: result.copy_(tensor)


def main():
    engine = {"gguf": GGUF, "torch": Torch}[sys.argv[1]]()
    answer = lambda word: print(word, flush=True)
    work = None
    for line in sys.stdin:
        verb, *words = line.rstrip("\n").split(" ", 3)
        if verb == "open":
            source, target, path = words
            work = engine.work(source, target, np.fromfile(path, dtype=np.uint8))
            answer("ok")
        else:
            start = time.perf_counter_ns()
            for _ in range(int(words[0])):
                work()
            answer(time.perf_counter_ns() - start)


main()

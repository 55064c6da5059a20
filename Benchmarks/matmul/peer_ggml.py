"""llama.cpp: ggml's mul_mat on its CPU backend, weights in the kind of buffer that llama.cpp takes.

Through the C functions of the shared libraries that Benchmarks/set-up-peers builds, in the folder
that KERF_GGML names.
"""

import ctypes
import os
import subprocess
import sys

import numpy as np

TYPES = {"f32": 0, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8}
Pointer, Size, Int = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64


class InitParams(ctypes.Structure):
    _fields_ = [("size", Size), ("buffer", Pointer), ("no_alloc", ctypes.c_bool)]


class Library:
    """Functions of both libraries by their names, declared as they are in ggml's headers."""

    def __init__(self, folder):
        ending = "dylib" if sys.platform == "darwin" else "so"
        self.libraries = [
            ctypes.CDLL(f"{folder}/lib{name}.{ending}", mode=ctypes.RTLD_GLOBAL)
            for name in ["ggml-base", "ggml-cpu"]]

    def __call__(self, result, name, *arguments):
        library = next(each for each in self.libraries if hasattr(each, name))
        function = library[name]
        function.restype = result
        function.argtypes = [type(each) for each in arguments]
        return function(*arguments)


class Peer:
    def __init__(self, threads):
        self.call = call = Library(os.environ["KERF_GGML"])
        self.backend = Pointer(call(Pointer, "ggml_backend_cpu_init"))
        call(None, "ggml_backend_cpu_set_n_threads", self.backend, ctypes.c_int(threads))
        registry = Pointer(call(Pointer, "ggml_backend_cpu_reg"))
        self.device = Pointer(call(Pointer, "ggml_backend_reg_dev_get", registry, Size(0)))
        find = call(
            Pointer, "ggml_backend_reg_get_proc_address", registry,
            ctypes.c_char_p(b"ggml_backend_dev_get_extra_bufts"))
        self.kinds = []
        if find:
            extra = ctypes.CFUNCTYPE(ctypes.POINTER(Pointer), Pointer)(find)(self.device)
            while extra[len(self.kinds)]:
                self.kinds.append(Pointer(extra[len(self.kinds)]))
        self.kinds.append(Pointer(call(Pointer, "ggml_backend_cpu_buffer_type")))
        self.opened = []
        self.checked = {}

    def survives(self, format, kind):
        """Whether a product in that kind of buffer leaves the process alive: some CPUs, and more
        virtual machines, announce instructions that they do not run."""
        name = self.call(ctypes.c_char_p, "ggml_backend_buft_name", kind).decode()
        if name == "CPU":
            return True
        if (format, name) not in self.checked:
            command = [sys.executable, __file__, format, name]
            self.checked[format, name] = subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        return self.checked[format, name]

    def context(self):
        params = InitParams(64 << 20, None, True)
        context = Pointer(self.call(Pointer, "ggml_init", params))
        self.opened.append(("ggml_free", context))
        return context

    def matrix(self, context, kind, columns, rows):
        return Pointer(self.call(
            Pointer, "ggml_new_tensor_2d", context, ctypes.c_int(kind), Int(columns), Int(rows)))

    def allocate(self, context, kind):
        buffer = Pointer(self.call(
            Pointer, "ggml_backend_alloc_ctx_tensors_from_buft", context, kind))
        self.opened.append(("ggml_backend_buffer_free", buffer))
        return buffer

    def set(self, tensor, array):
        self.call(
            None, "ggml_backend_tensor_set", tensor, Pointer(array.ctypes.data), Size(0),
            Size(array.nbytes))

    def open(self, format, n, k, copies, kinds=None):
        if format not in TYPES:
            return {}
        for release, pointer in reversed(self.opened):
            self.call(None, release, pointer)
        self.opened = []
        values = (np.random.default_rng(1).standard_normal((n, k), np.float32) * 0.02)
        size = self.call(Size, "ggml_row_size", ctypes.c_int(TYPES[format]), Int(k)) * n
        quantized = np.empty(size, np.uint8)
        self.call(
            Size, "ggml_quantize_chunk", ctypes.c_int(TYPES[format]), Pointer(values.ctypes.data),
            Pointer(quantized.ctypes.data), Int(0), Int(n), Int(k), Pointer(None))
        # As llama.cpp loads a model: the first kind of buffer in which this product is supported.
        for kind in kinds or [each for each in self.kinds if self.survives(format, each)]:
            context = self.context()
            weights = [
                self.matrix(context, TYPES[format], k, n) for _ in range(copies(size))]
            self.allocate(context, kind)
            probe = Pointer(self.call(
                Pointer, "ggml_mul_mat", self.context(), weights[0],
                self.matrix(self.opened[-1][1], 0, k, 512)))
            if self.call(ctypes.c_bool, "ggml_backend_dev_supports_op", self.device, probe):
                break
        for each in weights:
            self.set(each, quantized)
        name = self.call(ctypes.c_char_p, "ggml_backend_buft_name", kind).decode()
        what = f"mul_mat, {name} buffer"
        for (checked, other), survived in self.checked.items():
            if checked == format and not survived:
                what += f"; a product in its {other} buffer ends the process on this machine"
        grain = "f32" if format == "f32" else "blocks of 32"
        return {"llama.cpp": (what, grain, lambda m: self.product(weights, n, k, m))}

    def product(self, weights, n, k, m):
        context = self.context()
        x, y = self.matrix(context, 0, k, m), self.matrix(context, 0, n, m)
        self.allocate(context, self.kinds[-1])
        self.set(x, np.random.default_rng(2).standard_normal((m, k), np.float32))
        y_buffer = Pointer(self.call(Pointer, "ggml_backend_buffer_get_base", self.allocate(
            self.extra_context(n, m), self.kinds[-1])))
        graphs = []
        for each in weights:
            context = self.context()
            product = Pointer(self.call(Pointer, "ggml_mul_mat", context, each, x))
            self.call(
                ctypes.c_int, "ggml_backend_tensor_alloc", self.last_buffer(), product, y_buffer)
            graph = Pointer(self.call(Pointer, "ggml_new_graph", context))
            self.call(None, "ggml_build_forward_expand", graph, product)
            graphs.append(graph)
        turn = 0

        def work():
            nonlocal turn
            turn = (turn + 1) % len(graphs)
            if self.call(ctypes.c_int, "ggml_backend_graph_compute", self.backend, graphs[turn]):
                raise RuntimeError("ggml could not compute")

        return work, 1

    def extra_context(self, n, m):
        """A context with room for the result, which all copies of the weights share."""
        context = self.context()
        self.matrix(context, 0, n, m)
        return context

    def last_buffer(self):
        return next(p for release, p in reversed(self.opened) if "buffer" in release)


if __name__ == "__main__":
    # One product in a kind of buffer, for `survives`.
    peer = Peer(1)
    names = [peer.call(ctypes.c_char_p, "ggml_backend_buft_name", kind) for kind in peer.kinds]
    kind = peer.kinds[names.index(sys.argv[2].encode())]
    ways = peer.open(sys.argv[1], 64, 256, lambda size: 1, [kind, peer.kinds[-1]])
    for rows in [1, 64]:
        ways["llama.cpp"][2](rows)[0]()

"""PyTorch: the int8 and int4 products that it has for CPUs, and mm in f32.

Those with packed weights have fast kernels for bf16 activations alone."""

import functools
import itertools
import os

import torch


def tiles():
    """What oneDNN computes with beyond vectors."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA")
    if limit:
        return f" held to {limit}"
    return " with AMX" if torch.cpu._is_amx_tile_supported() else ""


class Peer:
    def __init__(self, threads):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)

    def open(self, format, n, k, copies):
        ways = {
            "f32": [("torch", "mm", "f32", torch.float32, self.floats)],
            "q8_0": [
                ("torch", "_weight_int8pack_mm", "a scale a row, activations bf16", torch.bfloat16,
                 self.int8),
                ("torch.dynamic", "quantized.linear_dynamic",
                 "a scale a row, activations int8 per matrix", torch.float32, self.dynamic)],
            "int8_channel": [
                ("torch", "_weight_int8pack_mm", "a scale a row, activations bf16", torch.bfloat16,
                 self.int8),
                *((f"torch.{engine}", f"quantized.linear_dynamic, {name}",
                   "a scale a row, activations int8 per matrix", torch.float32,
                   functools.partial(self.dynamic, engine=engine))
                  for engine, name in [("onednn", f"oneDNN{tiles()}"), ("fbgemm", "FBGEMM")])],
        }
        for name, length in [("q4_0", 32), ("q4_1", 32), ("int4_g64", 64), ("int4_g128", 128)]:
            ways[name] = [
                ("torch", "_weight_int4pack_mm_for_cpu", f"groups of {length}, activations bf16",
                 torch.bfloat16, functools.partial(self.int4, length=length))]
        limit = os.environ.get("ONEDNN_MAX_CPU_ISA")
        if limit:
            # Held to other instructions, it is another contestant, and no other product is.
            ways = {"int8_channel": [
                (f"{name}.{limit.split('_')[-1].lower()}", what, *others)
                for name, what, *others in ways["int8_channel"] if name == "torch.onednn"]}
        found = {}
        for name, what, grain, kind, product in ways.get(format, []):
            try:
                # A small one first: versions differ in what they have.
                product(64, k, lambda _: 1)()(torch.randn(1, k).to(kind))
            except Exception as error:
                print(f"torch: no {what}: {str(error).splitlines()[0]}", flush=True)
                continue
            found[name] = what, grain, self.making(product, kind, n, k, copies)
        return found

    def making(self, product, kind, n, k, copies):
        made = []

        def make(m):
            if not made:
                made.append(product(n, k, copies))
            next_weights = made[0]
            x = torch.randn(m, k).to(kind)
            return lambda: next_weights()(x), 1, getattr(next_weights, "error", lambda m: None)(m)

        return make

    @staticmethod
    def turns(products):
        turn = itertools.cycle(products)
        return lambda: next(turn)

    def floats(self, n, k, copies):
        weights = [torch.randn(n, k) for _ in range(copies(n * k * 4))]
        return self.turns([lambda x, w=w: torch.mm(x, w.t()) for w in weights])

    def int8(self, n, k, copies):
        weights = [
            (torch.randint(-128, 128, (n, k), dtype=torch.int8), (torch.rand(n) * 0.01).bfloat16())
            for _ in range(copies(n * k))]
        return self.turns([
            lambda x, w=w, s=s: torch.ops.aten._weight_int8pack_mm(x, w, s) for w, s in weights])

    def dynamic(self, n, k, copies, engine="x86"):
        torch.backends.quantized.engine = engine
        weights = []
        for _ in range(copies(n * k)):
            w = torch.quantize_per_channel(
                torch.randn(n, k), torch.full((n,), 0.03), torch.zeros(n, dtype=torch.long), 0,
                torch.qint8)
            weights.append(torch.ops.quantized.linear_prepack(w, None))
        product = torch.ops.quantized.linear_dynamic
        turns = self.turns([lambda x, w=w: product(x, w) for w in weights])

        def error(m):
            """Relative, against the f64 product of the same activations and the decoded weights."""
            x = torch.randn(m, k)
            columns = min(n, 32)
            exact = x.double() @ w.dequantize()[:columns].double().t()
            return float((product(x, weights[-1])[:, :columns] - exact).norm() / exact.norm())

        turns.error = error
        return turns

    def int4(self, n, k, copies, length):
        weights = []
        for _ in range(copies(n * k // 2)):
            codes = torch.randint(0, 16, (n, k), dtype=torch.int32)
            packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes, 2)
            weights.append((packed, (torch.rand(k // length, n, 2) * 0.01).bfloat16()))
        return self.turns([
            lambda x, w=w, s=s: torch.ops.aten._weight_int4pack_mm_for_cpu(x, w, length, s)
            for w, s in weights])

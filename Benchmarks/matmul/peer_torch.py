"""PyTorch: the int8 and int4 products that it has for CPUs, and mm in f32.

Those with packed weights have fast kernels for bf16 activations alone."""

import itertools

import torch


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
            "q4_0": [("torch", "_weight_int4pack_mm_for_cpu", "groups of 32, activations bf16",
                      torch.bfloat16, self.int4)],
        }
        ways["q4_1"] = ways["q4_0"]
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
            return lambda: next_weights()(x), 1

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

    def dynamic(self, n, k, copies):
        weights = []
        for _ in range(copies(n * k)):
            w = torch.quantize_per_channel(
                torch.randn(n, k), torch.full((n,), 0.03), torch.zeros(n, dtype=torch.long), 0,
                torch.qint8)
            weights.append(torch.ops.quantized.linear_prepack(w, None))
        return self.turns([
            lambda x, w=w: torch.ops.quantized.linear_dynamic(x, w) for w in weights])

    def int4(self, n, k, copies):
        weights = []
        for _ in range(copies(n * k // 2)):
            codes = torch.randint(0, 16, (n, k), dtype=torch.int32)
            packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes, 2)
            weights.append((packed, (torch.rand(k // 32, n, 2) * 0.01).bfloat16()))
        return self.turns([
            lambda x, w=w, s=s: torch.ops.aten._weight_int4pack_mm_for_cpu(x, w, 32, s)
            for w, s in weights])

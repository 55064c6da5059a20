"""bitsandbytes on the CPU: `quantize_4bit`, and `int8_vectorwise_quant` of LLM.int8."""

from importlib.metadata import version

import bitsandbytes.functional as functional
import torch

from quantizer import Way, group


class Peer:
    version = f"bitsandbytes {version('bitsandbytes')}"

    def __init__(self, bits, _):
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        self.weights = torch.from_numpy(bits.view("int16")).view(torch.bfloat16)

    def dequantized(self, found):
        # In f32, lest the error is that of bf16.
        codes, state = found
        state.dtype = torch.float32
        return functional.dequantize_4bit(codes, state)

    def ways(self, format):
        codes, length, offset = group(format)
        if codes in ["nf4", "fp4"]:
            return {"bitsandbytes": Way(
                f"quantize_4bit, {codes}", "bf16",
                lambda: functional.quantize_4bit(self.weights, blocksize=length, quant_type=codes),
                self.dequantized)}
        if codes == "int8" and length == self.weights.shape[1] and offset is None:
            # It takes f16 alone.
            halves = self.weights.half()
            return {"bitsandbytes": Way(
                "int8_vectorwise_quant", "f16", lambda: functional.int8_vectorwise_quant(halves),
                lambda found: found[0].float() * found[1][:, None] / 127)}
        return {}

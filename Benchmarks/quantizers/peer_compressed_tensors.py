"""compressed-tensors: extremes, `calculate_qparams` and the compressor of each layout; and with them
llm-compressor's observer that searches for the extremes of least error, where it is there."""

import warnings
from importlib.metadata import PackageNotFoundError, version

import compressed_tensors.compressors
import torch
from compressed_tensors.compressors.base import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam

from quantizer import Way, group

try:
    from llmcompressor.observers.base import Observer
except Exception:
    Observer = None

warnings.simplefilter("ignore")
FLOATS = {
    "e2m1_g32": ("mxfp4-pack-quantized", {"strategy": "group", "scale_dtype": torch.uint8}),
    "e2m1_g16_e4m3": (
        "nvfp4-pack-quantized",
        {"strategy": "tensor_group", "scale_dtype": torch.float8_e4m3fn})}


def versions():
    found = []
    for name in ["compressed-tensors"] + ["llmcompressor"] * (Observer is not None):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            pass
    return ", ".join(found)


class Peer:
    version = versions()

    def __init__(self, bits, _):
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        self.weights = torch.from_numpy(bits.view("int16")).view(torch.bfloat16)

    def ways(self, format):
        codes, length, offset = group(format)
        isChannel = length == self.weights.shape[1]
        if format in FLOATS:
            layout, settings = FLOATS[format]
            settings = {"num_bits": 4, "type": "float", "symmetric": True, **settings}
        elif codes == "e4m3" and isChannel:
            layout = "float-quantized"
            settings = {"num_bits": 8, "type": "float", "symmetric": True, "strategy": "channel"}
        elif codes.startswith("int") and offset != "bias":
            layout = "int-quantized" if isChannel else "pack-quantized"
            settings = {
                "num_bits": int(codes[3:]), "type": "int", "symmetric": offset is None,
                "strategy": "channel" if isChannel else "group"}
        else:
            return {}
        if not isChannel:
            settings["group_size"] = length
        found = {"compressed-tensors": self.way(layout, settings, self.extremes, False)}
        if Observer and codes == "int4" and not isChannel:
            found["llm-compressor"] = self.way(layout, settings, self.searched, True)
        return found

    def way(self, layout, settings, extremes, searches):
        arguments = QuantizationArgs(**settings)
        scheme = QuantizationScheme(targets=["Linear"], weights=arguments)
        compressor = BaseCompressor.get_value_from_registry(layout)
        isNested = settings["strategy"] == "tensor_group"

        def quantize():
            low, high = extremes(arguments)
            tensors = {"weight": self.weights}
            largest = generate_gparam(low.min(), high.max()) if isNested else None
            if isNested:
                tensors["weight_global_scale"] = largest
            scale, zero = calculate_qparams(low, high, arguments, largest)
            tensors |= {"weight_scale": scale, "weight_zero_point": zero}
            return compressor.compress(tensors, scheme)

        def dequantize(tensors):
            tensors = dict(tensors)
            if tensors["weight_scale"].dtype == torch.bfloat16:
                # In f32, lest the error is that of bf16.
                tensors["weight_scale"] = tensors["weight_scale"].float()
            return compressor.decompress(tensors, scheme)["weight"].float()

        what = "observer memoryless_mse" if searches else "extremes"
        return Way(f"{layout}, {what}", "bf16", quantize, dequantize, searches)

    def groups(self, arguments):
        return self.weights.view(len(self.weights), -1, arguments.group_size or len(self.weights[0]))

    def extremes(self, arguments):
        return torch.aminmax(self.groups(arguments), dim=-1) if arguments.group_size else (
            torch.aminmax(self.weights, dim=-1, keepdim=True))

    def searched(self, arguments):
        observer = Observer.get_value_from_registry("memoryless_mse")
        observer = observer(args=arguments, base_name="weight")
        observer.update_statistics_from_observed(self.groups(arguments).unsqueeze(0))
        return observer.min_vals, observer.max_vals

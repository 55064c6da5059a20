"""Mixes made for a file beside the presets of the same size, measured on the files written."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from page import table

HEADING = "## Mixes beside presets"

INTRODUCTION = """\
A file is converted with each preset, and then to a mix made for it, `kerf convert --size` with the
bytes of the preset's file. Figures are Σ(x−y)² over all tensors of the files written, over Σx² of
the original, times 10⁻³; less is better. *Ratio* is the mix's error over the preset's. The uneven
llama has random tensors whose scales differ as e to the power of a normal number and whose tails
are those of Student-t(3) to nearly normal numbers; with importance, the errors are weighted by it.
all-MiniLM-L6-v2 is half one tensor, and rows of 384 fill no blocks of 256.
"""

PRESETS = ["q3_K_M", "q4_K_S", "q4_K_M", "q5_K_M", "q6_K"]

MAKE = """\
import pathlib, sys
import numpy as np
import llama
model = llama.Llama(
    layers=6, width=512, forward=1536, vocabulary=2048, heads=8, key_value_heads=2)
folder = pathlib.Path(sys.argv[1])
model.write(folder / "llama.gguf", np.float32, uneven=True)
llama.write_importance(folder / "imatrix.gguf", model.quantized())
"""


class Mixes:
    def __init__(self, root):
        self.root = root
        self.kerf = root / ".build/release/kerf"

    def measure(self):
        """A row for each file, preset, and way."""
        run(self.root / "scripts/fetch-model")
        python = self.root / run(self.root / "scripts/python-environment").split()[-1]
        model = self.root / ".cache/models/all-MiniLM-L6-v2/model.safetensors"
        rows = []
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            run(python, "-c", MAKE, folder, cwd=self.root / "Tests/Interop")
            run(self.kerf, "convert", model, self.folder / "sample.gguf", "--to", "f32")
            for name, file, importance in [
                    ("all-MiniLM-L6-v2", "sample.gguf", None),
                    ("uneven llama", "llama.gguf", None),
                    ("uneven llama, importance", "llama.gguf", "imatrix.gguf")]:
                for preset in PRESETS:
                    print(f"mixes of {name}, {preset}", file=sys.stderr, flush=True)
                    rows += self.pair(name, self.folder / file, preset, importance)
        return rows

    def pair(self, name, source, preset, importance):
        options = ["--importance", self.folder / importance] if importance else []
        target = self.folder / "out.gguf"
        found = {}
        for how in ["preset", "mix"]:
            wanted = ["--to", preset] if how == "preset" else ["--size", size]
            report = json.loads(run(
                self.kerf, "convert", source, target, *wanted, *options, "--force", "--json"))
            size = target.stat().st_size if how == "preset" else size
            signal = sum(row["mse"] / row["nmse"] * row["elements"]
                         for row in report["tensors"] if row["nmse"])
            found[how] = (target.stat().st_size, sum(
                row["mse"] * row["elements"] for row in report["tensors"]
                if row["mse"] is not None) / signal)
        if importance:
            # What is minimised then, of the same choices: plans tell it for both.
            plan = json.loads(run(
                self.kerf, "plan", source, "--size", size, *options, "--json"))
            errors = {row["name"]: row["total_error"] for row in plan["presets"]}
            found = {
                "preset": (size, errors[preset] / signal),
                "mix": (found["mix"][0], plan["total_error"] / signal)}
        return [{
            "kernel": "mix", "format": preset, "working_set": name, "peer": "kerf", "how": how,
            "samples": size, "relative_error": error} for how, (size, error) in found.items()]


def run(*command, cwd=None):
    process = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    if process.returncode:
        sys.exit(f"{command[0]} failed:\n{(process.stdout + process.stderr)[-2000:]}")
    return process.stdout


def section(rows):
    found = {(row["working_set"], row["format"], row["how"]): row for row in rows}
    lines = []
    for name in dict.fromkeys(row["working_set"] for row in rows):
        for preset in PRESETS:
            theirs, ours = found[name, preset, "preset"], found[name, preset, "mix"]
            lines.append([
                name, preset, f"{theirs['samples']:,}", f"{ours['samples']:,}",
                f"{theirs['relative_error'] * 1e3:.4g}", f"{ours['relative_error'] * 1e3:.4g}",
                f"{ours['relative_error'] / theirs['relative_error']:.3f}"])
    return [
        HEADING, "", INTRODUCTION,
        *table(["weights", " preset", "bytes", "bytes of the mix", "preset", "mix", "ratio"], lines)]

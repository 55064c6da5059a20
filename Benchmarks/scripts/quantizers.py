"""Groups beside the runtimes' own quantizers: Kerf and its peers take turns on the same weights.

Kerf's turns are runs of `kerf bench quantize`; a peer has a process of its own, which stands still
while others have their turn. The best turn of each counts.
"""

import json
import pathlib
import subprocess
import tempfile

from matmul import Child, Failure, say
from page import number, table

HEADING = "## Beside the runtimes' own quantizers"
N = K = 4096
PEERS = ["mlx", "compressed_tensors", "bitsandbytes", "onnxruntime", "torchao"]
# Groups with scales of the type that peers store: bf16 like their weights, or f32.
FORMATS = [
    *(f"int4_g{length}{offset}_bf16" for offset in ["", "_zp", "_bias"] for length in [32, 64, 128]),
    "int8_g64_bias_bf16", f"int8_g{K}_bf16", "nf4_g64", "fp4_g64", "e2m1_g32", "e2m1_g16_e4m3",
    f"e4m3_g{K}"]
SIZES = {"bf16": 2, "f16": 2, "f32": 4}

INTRODUCTION = f"""\
One matrix of {N} × {K} weights, drawn from a Student distribution of five degrees of freedom and
rounded to bf16. One thread; contestants take turns, the best turn of each counts, and it is timed by
the processor. Everybody goes from weights in memory, of the type that the runtime takes, to scales
and codes in memory; peers but ONNX Runtime make new arrays every time, as they do for their users,
and write planes in their own layout, where Kerf writes blocks into memory that is there.

*reference* is the rounding whose rule is the runtime's own (MLX, compressed-tensors, bitsandbytes:
the same bytes, but for ties in half precision), *optimal* is the search for least error in the same
bits. Peers that search as well, HQQ and an observer of squared errors, have a table of their own. ×
is how many times as fast Kerf is, from the same type of weights; errors are √(Σ(x − y)² / Σx²).
compressed-tensors divides NVFP4's scales by a number for the whole tensor; here Kerf and MLX do not.
"""


class Quantizers:
    def __init__(self, root, peers, quick):
        self.kerf = root / ".build/release/kerf"
        self.script = root / "Benchmarks/quantizers/quantizer.py"
        self.peers = peers
        self.rounds, self.seconds = (2, 0.1) if quick else (5, 0.3)
        self.formats = [name for name in FORMATS if "g64" in name] if quick else FORMATS
        self.left_out, self.versions = {}, {}

    def measure(self):
        """A row for each contestant, rounding and type of weights of each format."""
        rows = []
        python = self.peers / "python/bin/python"
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            subprocess.run(
                [python, self.script.parent / "weights.py", folder, str(N), str(K)], check=True)
            children = [Child(name, python, self.script, None, 1) for name in PEERS]
            for name in self.formats:
                say(f"quantizers: {name}")
                rows += self.contest(name, children)
            for child in children:
                child.end()
        return rows

    def contest(self, name, children):
        found, ways = {}, []
        for child in children:
            try:
                answer = child.ask(
                    "open", format=name, weights=str(self.folder / "weights"), n=N, k=K)
            except Failure as failure:
                self.leave_out(child, failure)
                continue
            self.versions[child.name] = answer["version"]
            for way, facts in answer["ways"].items():
                ways.append((child, way))
                found[way] = {
                    "kernel": "quantize", "format": name, "peer": way, "source": facts["source"],
                    "rounding": "search" if facts["searches"] else "", "how": facts["what"],
                    "relative_error": facts["relative_error"]}
        sources = {row["source"] for row in found.values()} or {"bf16"}
        for _ in range(self.rounds):
            for source in sorted(sources):
                self.kerf_turn(found, name, source)
            for child, way in list(ways):
                try:
                    keep(found[way], child.ask("run", way=way, seconds=self.seconds)["seconds"])
                except Failure as failure:
                    self.leave_out(child, failure)
                    ways.remove((child, way))
        rows = [row for row in found.values() if "seconds" in row]
        for row in rows:
            row |= {
                "target": name, "threads": 1, "n": N, "k": K,
                "elements_per_second": N * K / row["seconds"],
                "input_gbps": SIZES[row["source"]] * N * K / row["seconds"] * 1e-9}
        return rows

    def kerf_turn(self, found, name, source):
        report = json.loads(subprocess.run(
            [self.kerf, "bench", "quantize", "--json", "--formats", name, "--weights",
             self.folder / f"{source}.safetensors", "--seconds", str(self.seconds)],
            check=True, stdout=subprocess.PIPE).stdout)
        for row in report["rows"]:
            key = source, row["rounding"]
            keep(found.setdefault(key, {
                "kernel": "quantize", "format": name, "peer": "kerf", "source": source,
                "rounding": row["rounding"], "isa": report["isa"],
                "relative_error": row["relative_rms"]}), row["seconds"])

    def leave_out(self, child, failure):
        if (child.name, str(failure)) not in self.left_out:
            say(f"quantizers: without {child.name}: {failure}")
            self.left_out[child.name, str(failure)] = True


def keep(row, seconds):
    """Keeps the best turn of a contestant."""
    row["seconds"] = min(seconds, row.get("seconds", seconds))
    row["samples"] = row.get("samples", 0) + 1


def section(facts, rows, left_out):
    text = [HEADING, "", INTRODUCTION, *table(["", " "], [[*item] for item in facts.items()])]
    text += comparison(rows, [""])
    text += ["### Beside peers that search", "", *comparison(rows, ["search"])]
    if left_out:
        text += ["Left out:", "", *(f"- {who}: {why}" for who, why in left_out), ""]
    return text


def comparison(rows, kinds):
    ours = {
        (row["format"], row["source"], row["rounding"]): row for row in rows if row["peer"] == "kerf"}
    speed = lambda row: number(row["elements_per_second"] * 1e-6)
    error = lambda row: f"{row['relative_error']:.4f}"
    lines = []
    for row in rows:
        if row["peer"] == "kerf" or row["rounding"] not in kinds:
            continue
        line = [f"{row['format']}", row["source"], row["peer"], row["how"], speed(row), error(row)]
        for rounding in ["reference", "optimal"]:
            own = ours[row["format"], row["source"], rounding]
            line += [speed(own), number(row["seconds"] / own["seconds"]), error(own)]
        lines.append(line)
    return table(
        ["format", " from", " runtime", " how", "M weights/s", "error", "reference", "×", "error",
         "optimal", "×", "error"], lines)

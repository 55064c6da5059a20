"""Matrix products: Kerf and its peers take turns on the same shapes, threads and machine.

Kerf's turns are runs of `kerf bench matmul`; a peer has a process of its own, which stands still
while others have their turn. The best turn of each counts.
"""

import json
import os
import signal
import subprocess
import sys

FORMATS = ["q8_0", "q4_0", "q4_1", "int8_channel", "int4_g128", "int4_g64", "q5_0", "q5_1"]
# Groups of integers, of which Kerf is held against the machine's peaks.
GROUPS = ["int8_channel", "int4_g128", "int4_g64", "int4_g32", "int4_g64_zp", "int4_g64_bias"]
LAYERS = [(4096, 4096), (4096, 14336), (14336, 4096)]
ROWS = [1, 8, 32, 512]
PEERS = ["ggml", "onnxruntime", "torch", "openvino"]
# The last-level cache is a fraction of this; `kerf bench` says how large it is.
CACHES = 4


class Failure(Exception):
    pass


class Child:
    """A peer's process, which starts when it is first asked."""

    def __init__(self, name, python, script, environment, threads):
        self.name, self.process = name, None
        self.command = [python, script, name, str(threads)]
        self.environment = environment

    def ask(self, verb, **wanted):
        if not self.process:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True, env=self.environment)
        # Threads that wait busily for their next work must not do so in the turns of others.
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps({verb: wanted}) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            status = self.process.wait()
            self.process = None
            raise Failure(f"its process ended ({status})")
        self.process.send_signal(signal.SIGSTOP)
        answer = json.loads(answer)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Matmul:
    def __init__(self, root, peers, quick):
        self.kerf = root / ".build/release/kerf"
        self.peers = peers
        self.script = root / "Benchmarks/matmul/peer.py"
        self.quick = quick
        self.rounds, self.seconds = (2, 0.1) if quick else (3, 0.4)
        self.formats = FORMATS[:6] if quick else FORMATS
        self.layers = LAYERS[:1] if quick else LAYERS
        self.threads = sorted({1, os.cpu_count()}, reverse=True)
        self.left_out = {}

    def bench(self, formats, layer, rows, threads, cores, seconds, **environment):
        """The report of one run of `kerf bench matmul`."""
        listed = lambda values: ",".join(map(str, values))
        result = subprocess.run(
            [self.kerf, "bench", "matmul", "--json", "--formats", listed(formats),
             "--shape", "{}x{}".format(*layer), "--m", listed(rows), "--threads", listed(threads),
             "--cores", listed(cores), "--seconds", str(seconds)],
            env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE)
        return json.loads(result.stdout)

    def measure(self):
        """A row for each contestant, format, layer, M and number of threads."""
        self.cache = self.bench(["q8_0"], (32, 32), [1], [1], ["integer"], 1e-3)
        self.cache = self.cache["machine"]["cache_bytes"]
        rows = []
        for threads in self.threads:
            children = self.children(threads)
            for layer in self.layers:
                for name in [*self.formats, "f32"]:
                    say(f"matmul: {name}, {layer[0]} × {layer[1]}, {threads} threads")
                    rows += self.contest(name, layer, threads, children)
            for child in children:
                child.end()
        return rows

    def children(self, threads):
        if not self.peers:
            return []
        python = self.peers / "python/bin/python"
        folder = self.peers / "llama.cpp/bin"
        there = [name for name in PEERS if name != "ggml" or folder.exists()]
        environment = {**os.environ, "KERF_GGML": str(folder)}
        # oneDNN multiplies with tiles where the CPU has them; this is it with vectors.
        vectors = {**environment, "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"}
        return [Child(name, python, self.script, environment, threads) for name in there] + [
            Child("torch", python, self.script, vectors, threads)]

    def contest(self, name, layer, threads, children):
        """All contestants for one format and layer, in turns."""
        found = {}
        ways = []
        for child in children:
            try:
                answer = child.ask(
                    "open", format=name, n=layer[0], k=layer[1], bytes=CACHES * self.cache)
                for way, (what, grain) in answer["ways"].items():
                    ways.append((child, way, what, grain))
            except Failure as failure:
                self.leave_out(child, name, failure)
        for _ in range(self.rounds):
            self.kerf_turn(found, name, layer, threads)
            for child, way, what, grain in list(ways):
                try:
                    for m in ROWS:
                        answer = child.ask("run", way=way, m=m, seconds=self.seconds)
                        keep(
                            found, way, m, answer["seconds"], what=what, grain=grain,
                            relative_error=answer["relative_error"])
                except Failure as failure:
                    self.leave_out(child, name, failure)
                    ways = [each for each in ways if each[0] is not child or child.process]
                    ways = [each for each in ways if each[1] != way]
        for (peer, m), row in found.items():
            row |= {
                "kernel": "matmul", "format": name, "source": "f32", "target": "f32", "peer": peer,
                "m": m, "n": layer[0], "k": layer[1], "threads": threads,
                "gops": 2e-9 * m * layer[0] * layer[1] / row["seconds"]}
        return list(found.values())

    def kerf_turn(self, found, name, layer, threads):
        cores = ["f32"] if name == "f32" else ["integer", "openblas"]
        # The yardstick's rows come with any format; its own name is not one that it is run with.
        formats = ["q8_0"] if name == "f32" else [name]
        report = self.bench(formats, layer, ROWS, [threads], cores, self.seconds)
        length = name.partition("_g")[2].partition("_")[0] or "32"
        grain = "a scale a row" if "channel" in name else f"blocks of {length}"
        by = "128" if "channel" in name else length
        what = {
            "integer": (f"packed weights, activations int8 by {by}", grain),
            "openblas": ("panels decoded for sgemm", grain),
            "f32": (f"OpenBLAS, {report['machine']['openblas_kernels']} kernels", "f32")}
        for row in report["rows"]:
            core = row["core"]
            peer = "openblas" if core == "f32" else f"kerf.{core}"
            keep(
                found, peer, row["m"], row["seconds"], what=what[core][0], grain=what[core][1],
                isa=report["machine"]["isa"] if core != "f32" else "",
                relative_error=row["relative_error"])

    def leave_out(self, child, name, failure):
        key = child.name, str(failure)
        if key not in self.left_out:
            say(f"matmul: without {child.name} for {name}: {failure}")
            self.left_out[key] = name

    def acceptance(self):
        """One run of Kerf alone on the first layer, and the same with the kernels that OpenBLAS
        takes by itself, or would take if it did not know this CPU: two reports."""
        seconds = 0.2 if self.quick else 2
        threads = sorted(self.threads)
        say("matmul: Kerf beside the machine's peaks")
        report = self.bench(
            ["q8_0", "q4_0", *GROUPS], LAYERS[0], [1, 512], threads,
            ["integer", "openblas", "f32"], seconds)
        replaced = report["machine"]["openblas_kernels_replaced"] or "Haswell"
        say(f"matmul: OpenBLAS with the {replaced} kernels")
        own = self.bench(
            ["q8_0"], LAYERS[0], [512], threads, ["openblas", "f32"], seconds,
            OPENBLAS_CORETYPE=replaced)
        return report, own


def keep(found, peer, m, seconds, **facts):
    """Keeps the best turn of a contestant."""
    row = found.setdefault((peer, m), {"seconds": seconds, "samples": 0, **facts})
    row["seconds"] = min(row["seconds"], seconds)
    row["samples"] += 1


def say(words):
    print(words, file=sys.stderr, flush=True)

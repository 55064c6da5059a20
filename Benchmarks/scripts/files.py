"""Whole files: kerf convert beside llama-quantize, and beside bare reading and writing.

A sample is (seconds, peak memory in bytes, bytes of output).
"""

import os
import statistics
import subprocess
import sys
import time

FORMATS = ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1"]
# Mixes, which both choose alike.
PRESETS = ["q4_K_M"]
THREADS = 2
CHUNK = 8 << 20
# Who needs longer than this many seconds has one turn only.
PATIENCE = 20


class Files:
    def __init__(self, root, peers, rounds):
        self.kerf = root / ".build/release/kerf"
        self.python = peers / "python/bin/python" if peers else None
        self.llama = peers / "llama.cpp/bin/llama-quantize" if peers else None
        self.make_model = root / "Benchmarks/scripts/make_model.py"
        self.folder = root / ".cache/bench"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.output = self.folder / "output.gguf"
        self.rounds = rounds

    def model(self, kind):
        """The path of an input file, made once; None where its maker is missing."""
        path = self.folder / f"{kind}.gguf"
        if not path.exists():
            if not (self.python and self.python.exists()):
                return say("no whole files: the peers' Python, which makes the input, is missing")
            say(f"making {path.name}")
            subprocess.run([self.python, self.make_model, path, kind], check=True)
        return path

    def measure(self):
        source = self.model("1gb")
        if not source:
            return []
        if not (self.llama and self.llama.exists()):
            say("whole files without llama-quantize: it is missing")
        rows = []
        for name in FORMATS:
            rows += self.contest(source, name, list(self.contestants(source, name)))
        for name in PRESETS:
            contestants = list(self.contestants(source, name, pure=False))
            if self.can_write(source, name):
                rows += self.contest(source, name, contestants)
        self.output.unlink(missing_ok=True)
        return rows

    def can_write(self, source, name):
        """Whether Kerf can make every format of a preset."""
        plan = [self.kerf, "convert", source, self.output, "--to", name, "--dry-run", "--json"]
        if subprocess.run(plan, capture_output=True).returncode == 0:
            return True
        say(f"without {name}: Kerf cannot write all of its formats")

    def contestants(self, source, name, pure=True):
        report = self.folder / "loss.json"
        mix = ["--pure"] * pure
        kerf = [
            self.kerf, "convert", source, self.output, "--to", name, *mix, "--threads",
            str(THREADS)]
        yield "kerf", "optimal", lambda: run(kerf + ["--report", report, "--force"])
        yield "kerf", "reference", lambda: run(
            kerf + ["--rounding", "reference", "--report", report, "--force"])
        if self.llama and self.llama.exists():
            # Pure: all matrices take the format. Else q4_0 would be partly q6_K.
            yield "llama-quantize", "reference", lambda: run(
                [self.llama, *mix, source, self.output, name.upper(), str(THREADS)])
        yield "read + write + fsync", "", lambda: self.floor(source, sync=True)
        yield "read + write", "", lambda: self.floor(source, sync=False)

    def contest(self, source, name, contestants):
        """Contestants in turns; a row with the medians of each."""
        samples = [[] for _ in contestants]
        read(source)
        for number in range(self.rounds):
            say(f"{source.name} → {name}, round {number + 1} of {self.rounds}")
            for (peer, _, work), sample in zip(contestants, samples):
                if number == 0 or sample[0][0] < PATIENCE:
                    sample.append(self.turn(work))
        return [
            self.row(source, name, peer, rounding, sample)
            for (peer, rounding, _), sample in zip(contestants, samples)]

    def turn(self, work):
        """One sample. Nobody pays for what another has left to be written or deleted."""
        self.output.unlink(missing_ok=True)
        os.sync()
        seconds, peak = work()
        self.output_size = self.output.stat().st_size
        return seconds, peak, self.output_size

    def floor(self, source, sync):
        """What the job costs without its work: all of the input, as much of the output."""
        start = time.perf_counter()
        buffer = read(source)
        with open(self.output, "wb", buffering=0) as file:
            left = self.output_size
            while left:
                left -= file.write(buffer[:left])
            if sync:
                os.fsync(file.fileno())
        return time.perf_counter() - start, 0

    def row(self, source, name, peer, rounding, sample):
        seconds = statistics.median(seconds for seconds, _, _ in sample)
        bytes_in, bytes_out = source.stat().st_size, sample[0][2]
        return {
            "kernel": "file", "format": name, "rounding": rounding, "source": "f16",
            "target": name, "working_set": source.stem, "peer": peer,
            "threads": THREADS if peer in ["kerf", "llama-quantize"] else 1, "seconds": seconds,
            "input_gbps": bytes_in / seconds * 1e-9, "output_gbps": bytes_out / seconds * 1e-9,
            "peak_mib": max(peak for _, peak, _ in sample) / 2**20 or "",
            "samples": len(sample)}

    def measure_large(self):
        """Peak memory where files or tensors are large; Kerf only."""
        rows = []
        for kind in ["10gb", "tensor"]:
            source = self.model(kind)
            if source:
                for name in ["q8_0", "q4_0"]:
                    rows += self.contest(source, name, list(self.contestants(source, name))[:1])
                source.unlink()
        self.output.unlink(missing_ok=True)
        return rows


def read(path):
    """Reads all of a file, and returns the last chunk."""
    buffer = memoryview(bytearray(CHUNK))
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return buffer


def run(command):
    """Runs a command to its end: seconds and peak memory in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # Read before waiting, or a talkative command waits for us.
    words = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} failed:\n{words.decode(errors='replace')[-2000:]}")
    # Linux counts KiB, macOS bytes.
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def say(words):
    print(words, file=sys.stderr, flush=True)

"""Squared errors: what kerf writes beside what llama-quantize writes for the same weights.

Both convert the same GGUF file, of one matrix for each distribution, and gguf's decoders read what
they wrote; so nothing that is held against the original comes from either of them.
"""

import json
import os
import subprocess
import sys
import tempfile

# What llama-quantize calls a file whose matrices are all of the format.
PEER_NAMES = {
    "q8_0": "Q8_0", "q6_K": "Q6_K", "q5_1": "Q5_1", "q5_0": "Q5_0", "q5_K": "Q5_K_S",
    "q4_1": "Q4_1", "q4_0": "Q4_0", "q4_K": "Q4_K_S", "iq4_nl": "IQ4_NL", "iq4_xs": "IQ4_XS",
    "q3_K": "Q3_K_S", "q2_K": "Q2_K", "mxfp4": "MXFP4_MOE", "tq2_0": "TQ2_0", "tq1_0": "TQ1_0"}
HERE = os.path.dirname(os.path.abspath(__file__))


class Errors:
    def __init__(self, root, peers):
        self.root = root
        self.kerf = root / ".build/release/kerf"
        self.python = peers / "python/bin/python" if peers else None
        self.llama = peers / "llama.cpp/bin/llama-quantize" if peers else None

    def measure(self):
        """A row for each format, distribution, and who wrote it how."""
        if not (self.python and self.python.exists()):
            print("no errors: the peers' Python, which reads what was written, is missing",
                  file=sys.stderr)
            return []
        with tempfile.TemporaryDirectory() as folder:
            self.folder = folder
            self.measured("make", self.model())
            return [row for name in self.formats() for row in self.contest(name)]

    def formats(self):
        listed = json.loads(self.run(self.kerf, "formats", "--json"))["formats"]
        return [
            each["name"] for each in listed
            if each["encodable"] and each["name"] not in ["f32", "f16", "bf16"]]

    def model(self):
        subprocess.run(
            [self.root / "scripts/fetch-model"], stdout=subprocess.DEVNULL, check=True)
        return self.root / ".cache/models/all-MiniLM-L6-v2/model.safetensors"

    def path(self, name):
        return os.path.join(self.folder, name)

    def contest(self, name):
        print(f"errors of {name}", file=sys.stderr, flush=True)
        rows = []
        source, importance, output = map(self.path, ["a.gguf", "imatrix.gguf", "b.gguf"])
        kerf = [self.kerf, "convert", source, output, "--to", name, "--pure", "--force",
                "--no-measure"]
        contestants = [
            ("kerf", "optimal", False, kerf),
            ("kerf", "reference", False, kerf + ["--rounding", "reference"]),
            ("kerf", "optimal", True, kerf + ["--importance", importance])]
        peer = PEER_NAMES.get(name)
        if peer and self.llama.exists():
            llama = [self.llama, "--pure"]
            contestants += [
                ("llama-quantize", "", False, llama + [source, output, peer]),
                ("llama-quantize", "", True,
                 llama + ["--imatrix", importance, source, output, peer])]
        for who, rounding, weighted, command in contestants:
            self.run(*command)
            for found in self.measured("measure", output):
                if found["format"] != name:
                    continue
                rows.append({
                    "kernel": "error", "format": name, "rounding": rounding, "peer": who,
                    "working_set": found["weights"], "how": "importance" if weighted else "",
                    "relative_error": found["weighted" if weighted else "plain"]})
                if who == "llama-quantize" and not weighted or who == "kerf" and not weighted:
                    # How the figures with importance are without it.
                    rows.append({
                        "kernel": "error", "format": name, "rounding": rounding, "peer": who,
                        "working_set": found["weights"], "how": "weighted error only",
                        "relative_error": found["weighted"]})
        return rows

    def measured(self, what, path):
        words = self.run(
            self.python, os.path.join(HERE, "error_samples.py"), what, self.folder, path)
        return json.loads(words)

    def run(self, *command):
        process = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if process.returncode:
            sys.exit(f"{command[0]} failed:\n{(process.stdout + process.stderr)[-2000:]}")
        return process.stdout

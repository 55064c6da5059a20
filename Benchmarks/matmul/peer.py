"""A peer in a process of its own, which multiplies when it is asked to: a JSON value on each line.

    {"open": {"format": "q4_0", "n": 4096, "k": 4096, "threads": 2, "bytes": 440401920}}
        → {"ways": {"onnxruntime": "MatMulNBits …"}}
    {"run": {"way": "onnxruntime", "m": 512, "seconds": 0.5}}
        → {"seconds": 0.0123}

A peer is a module with a function `open(format, n, k, copies)` that returns its ways to multiply
with such weights: `{name: (what it is, of what granularity, make)}`. `make(m)` returns a function
that multiplies M rows of activations once for each of some copies of the weights, how many these
are, and, where the peer knows it, the relative error of such a product.
"""

import importlib
import json
import os
import sys
import time

# What a turn does at least, so that the clock does not count; the same as `kerf bench` does.
TURN = 0.02
# Who needs longer than this many seconds for a pass has had its turn.
PATIENCE = 2


def best(work, passes, seconds, threads):
    """The best time of one pass. One thread is timed by the processor, as Kerf's is."""
    def burst(count):
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(count):
            work()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        return (min(wall, processor) if threads == 1 else wall) / count

    # The first pass may prepare what later ones need, and never counts.
    work()
    once = burst(1)
    if once > PATIENCE:
        return once / passes
    count = max(1, int(TURN / max(once, 1e-9)))
    end = time.perf_counter() + seconds
    found = burst(count)
    while time.perf_counter() < end:
        found = min(found, burst(count))
    return found / passes


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    for variable in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]:
        os.environ[variable] = str(threads)
    # Libraries may print; only answers belong to standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = ways = works = None
    for line in sys.stdin:
        try:
            [(verb, wanted)] = json.loads(line).items()
            if verb == "open":
                ways, works = None, {}
                peer = peer or importlib.import_module(f"peer_{name}").Peer(threads)
                ways = peer.open(
                    wanted["format"], wanted["n"], wanted["k"],
                    lambda size, total=wanted["bytes"]: max(1, -(-total // size)))
                answer = {"ways": {way: [what, grain] for way, (what, grain, _) in ways.items()}}
            else:
                key = wanted["way"], wanted["m"]
                if key not in works:
                    works = {key: ways[key[0]][2](key[1])}
                work, passes, *error = works[key]
                answer = {
                    "seconds": best(work, passes, wanted["seconds"], threads),
                    "relative_error": error[0] if error else None}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

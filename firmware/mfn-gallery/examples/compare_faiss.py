"""Times the gallery's search against faiss IndexFlatIP (f32) in one alternating run on one core.

    cargo build --release -p mfn-gallery --example timed_search
    taskset -c 0 python3 compare_faiss.py PATH/TO/timed_search [N ...]

Needs numpy and faiss-cpu. Prints the best and the median time of one query, in microseconds, and how
often the top five of both sides are the same rows in the same order.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import faiss
import numpy

PROBES, ROUNDS = 10, 20


def unit(rng, n):
    v = rng.standard_normal((n, 512)).astype(numpy.float32)
    return v / numpy.linalg.norm(v, axis=1, keepdims=True)


def compare(program, n, folder):
    rng = numpy.random.default_rng(n)
    references, probes = unit(rng, n), unit(rng, PROBES)
    # Half of the probes are mated: a reference with noise, cosine about 0.6.
    for i in range(0, PROBES, 2):
        mated = references[rng.integers(n)] + 1.33 * probes[i]
        probes[i] = mated / numpy.linalg.norm(mated)
    references.tofile(folder / "references")
    probes.tofile(folder / "probes")
    index = faiss.IndexFlatIP(512)
    index.add(references)
    command = [program, folder / "references", folder / "probes"]
    ours = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert ours.stdout.readline() == "ready\n"
    times, same = {"gallery": [], "faiss": []}, 0
    for _ in range(ROUNDS):
        ours.stdin.write("\n")
        ours.stdin.flush()
        answer = json.loads(ours.stdout.readline())
        times["gallery"] += answer["ns"]
        for i in range(PROBES):
            start = time.perf_counter_ns()
            _, rows = index.search(probes[i : i + 1], 5)
            times["faiss"].append(time.perf_counter_ns() - start)
            same += rows[0].tolist() == answer["best"][i]
    ours.stdin.close()
    ours.wait()
    for side, ns in times.items():
        print(f"{n:7} {side:8} best {min(ns) / 1e3:9.1f} us   median {numpy.median(ns) / 1e3:9.1f} us")
    print(f"{n:7} same top five: {same} of {ROUNDS * PROBES}")


faiss.omp_set_num_threads(1)
with tempfile.TemporaryDirectory() as folder:
    for n in map(int, sys.argv[2:] or ["1000", "10000", "100000"]):
        compare(sys.argv[1], n, pathlib.Path(folder))

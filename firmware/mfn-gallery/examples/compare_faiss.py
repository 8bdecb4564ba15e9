"""Times the gallery's search against faiss IndexFlatIP (f32) in one alternating run on one core.

    cargo build --release -p mfn-gallery --example timed_search
    taskset -c 0 python3 compare_faiss.py PATH/TO/timed_search [N ...]

Needs numpy and faiss-cpu; `bash benches/against-faiss.sh` does all of it. Prints the best and the median
processor time of one query, in microseconds, their ratio, and how often the top five of both sides are
the same rows in the same order.
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
            start = time.thread_time_ns()
            _, rows = index.search(probes[i : i + 1], 5)
            times["faiss"].append(time.thread_time_ns() - start)
            same += rows[0].tolist() == answer["best"][i]
    ours.stdin.close()
    ours.wait()
    best, median = ({side: f(ns) / 1e3 for side, ns in times.items()} for f in (min, numpy.median))
    cells = [f"{best[side]:.1f} / {median[side]:.1f}" for side in ("gallery", "faiss")]
    ratio = best["gallery"] / best["faiss"]
    print(f"| {n} | {' | '.join(cells)} | {ratio:.2f} | {TARGETS.get(n, '')} | {same} of {ROUNDS * PROBES} |", flush=True)


# At most so many times faiss's time.
TARGETS = {1000: 1.0, 10000: 1.0, 100000: 0.5}
faiss.omp_set_num_threads(1)
print("| templates | gallery: best / median, us | faiss: best / median, us | ratio | target | same top five |")
print("| --- | --- | --- | --- | --- | --- |", flush=True)
with tempfile.TemporaryDirectory() as folder:
    for n in map(int, sys.argv[2:] or ["1000", "10000", "100000"]):
        compare(sys.argv[1], n, pathlib.Path(folder))

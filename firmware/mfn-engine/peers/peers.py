"""Times ONNX networks in this project's engine and in others, in turn on one core, in plain f32 and in int8.

    cargo build --profile host -p mfn-kiosk
    python -m venv venv && venv/bin/pip install numpy onnx onnxruntime ncnn pnnx torch MNN openvino
    venv/bin/python peers.py --kiosk target/host/mfn-kiosk --out DIR name=network.onnx[+int8.onnx][@WxH] ...

A second file behind `+` is the same network with rounded weights and activations (QuantizeLinear, DequantizeLinear):
engines that have int8 run it in the same rounds, in rows of their own.

Writes DIR/peers.md and DIR/peers.svg. Each engine runs in a process of its own (so that its peak memory is its
own), a few inferences at a time, round after round; a peer that is not installed, or that refuses the file, is
left out and named. Times are CPU milliseconds of the whole process; ratios are ours divided by the peer's.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENGINES = ["own", "tract", "ncnn", "openvino", "onnxruntime", "MNN"]
# tract runs such files slower than in f32; ncnn and MNN have int8 formats of their own, made by other tools.
INT8_ENGINES = ["own", "openvino", "onnxruntime"]
INT8 = " int8"


def cpu_ms():
    return time.process_time_ns() / 1e6


# ---- Workers: load(path, shape) gives a function from the input to a list of outputs. ----


def load_onnxruntime(path, shape):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})


def load_openvino(path, shape):
    import openvino as ov

    core = ov.Core()
    model = core.read_model(path)
    model.reshape(list(shape))
    # f32 by name: on CPUs that have bf16 it takes that by itself.
    hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    request = core.compile_model(model, "CPU", hints).create_infer_request()

    def run(x):
        request.infer([x])
        return [request.get_output_tensor(i).data for i in range(len(request.model_outputs))]

    return run


def load_ncnn(path, shape):
    import ncnn

    param = Path(path).with_suffix(".ncnn.param")
    net = ncnn.Net()
    net.opt.num_threads = 1
    for precision in ["fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"]:
        setattr(net.opt, "use_" + precision, False)
    net.load_param(str(param))
    net.load_model(str(param.with_suffix(".bin")))
    inputs, outputs = net.input_names(), net.output_names()

    def run(x):
        extractor = net.create_extractor()
        extractor.input(inputs[0], ncnn.Mat(x[0]))
        return [extractor.extract(name)[1].numpy() for name in outputs]

    return run


def load_MNN(path, shape):
    import MNN
    import MNN.numpy as mnp

    config = {"backend": "CPU", "precision": "high", "numThread": 1}
    runtime = MNN.nn.create_runtime_manager((config,))
    net = MNN.nn.load_module_from_file(str(Path(path).with_suffix(".mnn")), [], [], runtime_manager=runtime)

    def run(x):
        value = MNN.expr.const(x, list(shape), MNN.expr.NCHW)
        out = net.onForward([MNN.expr.convert(value, MNN.expr.NC4HW4)])
        return [MNN.expr.convert(o, MNN.expr.NCHW).read() for o in out]

    return run


def worker(engine, path, shape, runs, input_file, output_file):
    import numpy as np

    x = np.fromfile(input_file, dtype=np.float32).reshape(shape)
    start = cpu_ms()
    run = globals()["load_" + engine](path, shape)
    load = cpu_ms() - start
    times = []
    for index in range(runs):
        start = cpu_ms()
        outputs = run(x)
        times.append(cpu_ms() - start)
        if index == 0:
            np.concatenate([np.asarray(o, dtype=np.float32).ravel() for o in outputs]).tofile(output_file)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"load_ms": load, "times_ms": times, "peak_kib": peak}))


# ---- The side by side. ----


def convert(path, shape, out):
    """Other formats that peers want, beside a copy of the file."""
    copy = out / Path(path).name
    copy.write_bytes(Path(path).read_bytes())
    shape_text = "[" + ",".join(map(str, shape)) + "]"
    for command in (
        ["pnnx", copy.name, f"inputshape={shape_text}", "fp16=0"],
        ["mnnconvert", "-f", "ONNX", "--modelFile", copy.name, "--MNNModel", copy.stem + ".mnn", "--bizCode", "x"],
    ):
        program = Path(sys.executable).parent / command[0]
        try:
            subprocess.run([str(program), *command[1:]], cwd=out, capture_output=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"{command[0]}: {error}", file=sys.stderr)
    # pnnx writes other characters than letters and digits as underlines.
    for file in out.glob("*.ncnn.*"):
        wanted = copy.stem + "." + ".".join(file.name.split(".")[-2:])
        if file.name.split(".ncnn.")[0] == "".join(c if c.isalnum() else "_" for c in copy.stem):
            file.rename(out / wanted)
    return str(copy)


def measure(row, kiosk, paths, shape, runs, files):
    engine, path = row.removesuffix(INT8), paths[row.endswith(INT8)]
    if engine in ("own", "tract"):
        command = [kiosk, "bench", "--model", path, "--operators", engine, "--runs", str(runs), "--json"]
        command += ["--size", f"{shape[3]}x{shape[2]}", "--input", files[0], "--output", files[1]]
    else:
        command = [sys.executable, __file__, "--worker", engine, path, json.dumps(shape), str(runs), *files]
    environment = dict(os.environ, OMP_NUM_THREADS="1", ONEDNN_MAX_CPU_ISA=os.environ.get("ONEDNN_MAX_CPU_ISA", ""))
    core = {max(os.sched_getaffinity(0))}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, core)
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"ended with {done.returncode}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def side_by_side(paths, shape, args):
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        rng = np.random.default_rng(1)
        files = [str(folder / "input.f32"), str(folder / "output.f32")]
        rng.uniform(-1, 1, shape).astype(np.float32).tofile(files[0])
        paths = [convert(paths[0], shape, folder), *paths[1:]]
        rows = ENGINES + [engine + INT8 for engine in INT8_ENGINES if len(paths) > 1]
        found, outputs, reasons = {}, {}, {}
        for _ in range(args.rounds):
            for engine in rows:
                if engine in reasons:
                    continue
                try:
                    one = measure(engine, args.kiosk, paths, shape, args.runs, files)
                except (RuntimeError, ValueError) as error:
                    reasons[engine] = str(error)[:200]
                    continue
                outputs[engine] = np.fromfile(files[1], dtype=np.float32)
                all_ = found.setdefault(engine, {"times": [], "load": [], "peak": []})
                # The first two inferences of a process fill its caches.
                all_["times"] += one["times_ms"][2:]
                all_["load"].append(one["load_ms"])
                all_["peak"].append(one["peak_kib"])
                all_["instructions"] = one.get("instructions", "")
        for engine, row in found.items():
            a, b = outputs[engine].astype(np.float64), outputs["tract"].astype(np.float64)
            if a.size == b.size:
                row["cosine"] = float(a @ b / np.sqrt((a @ a) * (b @ b)))
                row["largest"] = float(np.abs(a - b).max() / np.sqrt(b @ b))
        return found, reasons


def middle(values):
    return sorted(values)[len(values) // 2]


def table(name, found, reasons):
    ours = {row: found[row]["times"] for row in ("own", "own" + INT8) if row in found}
    lines = [
        f"## {name}",
        "| engine | best ms | median ms | " + " | ".join(f"{row} / it (best, median)" for row in ours)
        + " | load ms | peak MB | cosine | largest difference |",
        "| --- | --- | --- | " + "--- | " * len(ours) + "--- | --- | --- | --- |",
    ]
    for engine, row in sorted(found.items(), key=lambda item: min(item[1]["times"])):
        times = row["times"]
        equality = (
            f"{row['cosine']:.7f} | {row['largest']:.1e}" if "cosine" in row else "other order of outputs | "
        )
        ratios = " | ".join(f"{min(o) / min(times):.2f}, {middle(o) / middle(times):.2f}" for o in ours.values())
        label = f"{engine} ({row['instructions']})" if row["instructions"] else engine
        lines.append(
            f"| {label} | {min(times):.2f} | {middle(times):.2f} | {ratios} | "
            f"{min(row['load']):.0f} | {max(row['peak']) * 1.024e-3:.0f} | {equality} |"
        )
    lines += [f"\n{engine}: left out ({reason})" for engine, reason in reasons.items()]
    return "\n".join(lines) + "\n"


def picture(results):
    width, rows = 640, [(name, e, middle(r["times"])) for name, f in results for e, r in f.items()]
    bars, y = [], 10
    for name, found in results:
        bars.append(f'<text x="8" y="{y + 14}" font-weight="bold">{name}: median CPU ms</text>')
        y += 24
        widest = max(middle(row["times"]) for row in found.values())
        for engine, row in sorted(found.items(), key=lambda item: middle(item[1]["times"])):
            value = middle(row["times"])
            colour = "#2a7" if engine.startswith("own") else "#89a"
            bars.append(f'<text x="8" y="{y + 13}">{engine}</text>')
            bars.append(f'<rect x="110" y="{y}" width="{400 * value / widest:.0f}" height="16" fill="{colour}"/>')
            bars.append(f'<text x="{116 + 400 * value / widest:.0f}" y="{y + 13}">{value:.2f}</text>')
            y += 20
        y += 12
    assert rows
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" font-family="sans-serif" font-size="13">'
        f'<rect width="{width}" height="{y}" fill="white"/>' + "".join(bars) + "</svg>\n"
    )


def machine():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    flags = next((line for line in open("/proc/cpuinfo") if line.startswith(("flags", "Features"))), "")
    sets = [s for s in ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimddp"] if s in flags.split()]
    return f"{names[0] if names else platform.machine()} ({', '.join(sets)})"


def network(text):
    name, _, rest = text.partition("=")
    files, _, size = rest.partition("@")
    w, h = map(int, size.split("x")) if size else (112, 112)
    return name, [os.path.abspath(path) for path in files.split("+")], [1, 3, h, w]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", type=network, metavar="NAME=FILE[+INT8][@WxH]")
    parser.add_argument("--kiosk", required=True, type=os.path.abspath)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=16, help="inferences of each engine in a round")
    args = parser.parse_args()
    import importlib.metadata as metadata

    versions = []
    for package in ENGINES[2:]:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            pass
    text = [f"# Side by side\nOne core of {machine()}, plain f32 and int8; {', '.join(versions)}. CPU milliseconds.\n"]
    results = []
    for name, paths, shape in args.networks:
        found, reasons = side_by_side(paths, shape, args)
        results.append((name, found))
        text.append(table(name, found, reasons))
        print(text[-1], flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "peers.md").write_text("\n".join(text))
    (args.out / "peers.svg").write_text(picture(results))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        _, _, engine, path, shape, runs, *files = sys.argv
        worker(engine, path, json.loads(shape), int(runs), *files)
    else:
        main()

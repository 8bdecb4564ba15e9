"""Has onnxruntime run an exported detector's golden pictures, and the ONNX checker check its file.

Usage: detector_agrees.py MODEL_FOLDER
Decodes and suppresses by itself. Prints the largest differences to golden.json; exits with 1 above 0.001 in score
or 0.02 pixels, or where the numbers of faces differ; with 77 where a package is missing.
"""

import json
import pathlib
import sys

try:
    import cv2
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as missing:
    print(missing)
    sys.exit(77)


def overlap(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def faces(out, width):
    found = []
    for stride in (8, 16, 32):
        score = np.sqrt(out[f"cls_{stride}"] * out[f"obj_{stride}"]).reshape(-1)
        for i in np.nonzero(score >= 0.5)[0]:
            x, y = i % (width // stride), i // (width // stride)
            dx, dy, dw, dh = out[f"bbox_{stride}"].reshape(-1, 4)[i]
            w, h = np.exp(dw) * stride, np.exp(dh) * stride
            points = (out[f"kps_{stride}"].reshape(-1, 5, 2)[i] + [x, y]) * stride
            found.append((score[i], [(x + dx) * stride - w / 2, (y + dy) * stride - h / 2, w, h], points))
    kept = []
    for face in sorted(found, key=lambda f: -f[0]):
        if all(overlap(face[1], other[1]) <= 0.3 for other in kept):
            kept.append(face)
    return kept


folder = pathlib.Path(sys.argv[1])
(path,) = folder.glob("*.onnx")
onnx.checker.check_model(str(path), full_check=True)
session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
names = [output.name for output in session.get_outputs()]
score, shift = 0.0, 0.0
for name, expected in json.loads((folder / "golden.json").read_text())["faces"].items():
    pixels = cv2.imread(str(folder / name))[:, :, ::-1].astype(np.float32)
    image = np.ascontiguousarray(((pixels - 127.5) / 127.5).transpose(2, 0, 1)[None])
    found = faces(dict(zip(names, session.run(None, {"input": image}))), pixels.shape[1])
    if len(found) != len(expected):
        sys.exit(f"{name}: {len(found)} faces instead of {len(expected)}")
    for (s, box, points), want in zip(found, expected):
        score = max(score, abs(s - want["score"]))
        shift = max(shift, np.abs(np.subtract(box, want["box"])).max(), np.abs(points - want["points"]).max())
print(f"onnxruntime: off by at most {score:.1e} in score, {shift:.1e} pixels")
sys.exit(0 if score <= 1e-3 and shift <= 2e-2 else 1)

"""Has onnxruntime run a model folder's golden crops, and the ONNX checker check the file.

Usage: onnxruntime_agrees.py MODEL_FOLDER fp32|int8
Prints the largest difference to golden.json, relative to its largest number, and the lowest cosine. Exits with 1 where
fp32 differs by more than 1e-4 or int8 has a cosine below 0.995, with 77 where a package is missing.
"""

import json
import pathlib
import sys
import tomllib

try:
    import cv2
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as missing:
    print(missing)
    sys.exit(77)

folder, precision = pathlib.Path(sys.argv[1]), sys.argv[2]
path = str(folder / tomllib.loads((folder / "manifest.toml").read_text())["networks"][precision])
onnx.checker.check_model(path, full_check=True)
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
worst, lowest = 0.0, 1.0
for name, expected in json.loads((folder / "golden.json").read_text())["templates"].items():
    pixels = cv2.imread(str(folder / name))[:, :, ::-1].astype(np.float32)
    image = ((pixels - 127.5) / 127.5).transpose(2, 0, 1)[None]
    (output,) = session.run(None, {"input": np.ascontiguousarray(image)})
    expected = np.asarray(expected)
    worst = max(worst, float(np.abs(output[0] - expected).max() / np.abs(expected).max()))
    lowest = min(lowest, float(output[0] @ expected / np.linalg.norm(output[0]) / np.linalg.norm(expected)))
print(f"onnxruntime, {precision}: {worst:.2e} relative, lowest cosine {lowest:.5f}")
sys.exit(0 if (worst <= 1e-4 if precision == "fp32" else lowest >= 0.995) else 1)

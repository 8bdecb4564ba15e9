"""Has onnxruntime run an exported model folder's golden crops, and the ONNX checker check its file.

Usage: onnxruntime_agrees.py MODEL_FOLDER
Prints the largest relative difference to golden.json; exits with 1 above 1e-4, with 77 where a package is missing.
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

folder = pathlib.Path(sys.argv[1])
(path,) = folder.glob("*.onnx")
onnx.checker.check_model(str(path), full_check=True)
session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
worst = 0.0
for name, expected in json.loads((folder / "golden.json").read_text())["templates"].items():
    pixels = cv2.imread(str(folder / name))[:, :, ::-1].astype(np.float32)
    image = ((pixels - 127.5) / 127.5).transpose(2, 0, 1)[None]
    (output,) = session.run(None, {"input": np.ascontiguousarray(image)})
    expected = np.asarray(expected)
    worst = max(worst, float(np.abs(output[0] - expected).max() / np.abs(expected).max()))
print(f"{worst:.2e}")
sys.exit(0 if worst <= 1e-4 else 1)

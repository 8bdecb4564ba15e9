"""Has onnxruntime run the int8 network of a model folder on its golden crops, and the ONNX checker check its file.

Usage: int8_agrees.py MODEL_FOLDER
Prints the lowest cosine to golden.json; exits with 1 below 0.995, with 77 where a package is missing.
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
(path,) = folder.glob("*-int8.onnx")
onnx.checker.check_model(str(path), full_check=True)
session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
lowest = 1.0
for name, expected in json.loads((folder / "golden.json").read_text())["templates"].items():
    pixels = cv2.imread(str(folder / name))[:, :, ::-1].astype(np.float32)
    image = ((pixels - 127.5) / 127.5).transpose(2, 0, 1)[None]
    (output,) = session.run(None, {"input": np.ascontiguousarray(image)})
    expected = np.asarray(expected)
    cosine = output[0] @ expected / np.linalg.norm(output[0]) / np.linalg.norm(expected)
    lowest = min(lowest, float(cosine))
print(f"{lowest:.5f}")
sys.exit(0 if lowest >= 0.995 else 1)

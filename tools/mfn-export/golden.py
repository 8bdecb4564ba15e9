"""Has onnxruntime work out the golden vectors of an imported model folder, for `mfn-export import --golden FILE`.

Usage: golden.py MODEL_FOLDER > FILE
Needs onnxruntime, numpy and Pillow, and Python 3.11 or later.
"""

import json
import pathlib
import sys
import tomllib

import numpy as np
import onnxruntime
from PIL import Image

folder = pathlib.Path(sys.argv[1])
manifest = tomllib.loads((folder / "manifest.toml").read_text())
spec = manifest["input"]
mean, scale = (np.array(spec[key], np.float32).reshape(3, 1, 1) for key in ("mean", "scale"))
network = str(folder / manifest["networks"]["fp32"])
session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
templates = {}
for name in json.loads((folder / manifest["golden"]).read_text())["templates"]:
    planes = np.asarray(Image.open(folder / name).convert("RGB"), np.float32).transpose(2, 0, 1)
    planes = planes[::-1] if spec["channels"] == "bgr" else planes
    image = np.ascontiguousarray((planes - mean) / scale)[None]
    (output,) = session.run([manifest["output"]["names"][0]], {session.get_inputs()[0].name: image})
    templates[name] = [float(value) for value in output.reshape(-1)]
json.dump({"runtime": f"onnxruntime {onnxruntime.__version__}", "templates": templates}, sys.stdout, indent=2)

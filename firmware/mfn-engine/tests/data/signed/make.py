"""Makes the signed manifest of this folder with py-minisign, an implementation of minisign that shares nothing
with the one under test (pip install py-minisign). The secret key is thrown away.

Usage: make.py, in this folder.
"""

import hashlib
import pathlib

import minisign

NETWORK = b"not ONNX"
GOLDEN = b"{}"
MANIFEST = b"""version = 1
kind = "recogniser"
name = "signed"
licence = "MIT"
template_space = "signed"
golden = "golden.json"

[input]
name = "input"
size = [112, 112]
channels = "rgb"
mean = [127.5, 127.5, 127.5]
scale = [127.5, 127.5, 127.5]

[output]
names = ["embedding"]
dimension = 512

[networks]
fp32 = "net.onnx"

[files]
"net.onnx" = "%s"
"golden.json" = "%s"
"""


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


manifest = MANIFEST % (sha256(NETWORK), sha256(GOLDEN))
pair = minisign.KeyPair.generate()
other = minisign.KeyPair.generate()
here = pathlib.Path(".")
(here / "manifest.toml").write_bytes(manifest)
for name, prehash in [("manifest.toml.minisig", True), ("manifest.toml.legacy.minisig", False)]:
    signature = pair.secret_key.sign(manifest, prehash=prehash, trusted_comment="test")
    (here / name).write_bytes(bytes(signature))
(here / "release.pub").write_bytes(bytes(pair.public_key))
(here / "other.pub").write_bytes(bytes(other.public_key))

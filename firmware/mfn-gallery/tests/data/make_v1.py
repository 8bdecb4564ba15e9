"""Writes v1.mfn from FORMAT.md alone, with numbers that f32 holds exactly: python3 make_v1.py"""
import hashlib
import pathlib
import struct

space = b"test-space"
# (id, name, [(template, time, quality)]); ids 2 and 4 were removed.
people = [
    (1, "Ann", [((1, 0, 0, 0), 1_700_000_000, 0.5), ((0.6, 0.8, 0, 0), 1_700_000_001, 0.75)]),
    (3, "José Núñez", [((0, 0, -1, 0), 0, 1.0)]),
    (5, "李小龍", [((0.5, 0.5, -0.5, 0.5), 4_102_444_800, 0.0)]),
]
entries = [entry for _, _, templates in people for entry in templates]
section = b"".join(
    struct.pack("<QIH", number, len(templates), len(name.encode())) + name.encode()
    for number, name, templates in people
)
data = b"MFNGAL\r\n" + struct.pack("<IIQQIIII", 1, 4, 8, 6, len(entries), len(people), len(section), len(space))
data += space.ljust(64, b"\0") + bytes(16)
data += b"".join(struct.pack("<4f", *template) for template, _, _ in entries)
data += b"".join(struct.pack("<QfI", time, quality, 0) for _, time, quality in entries)
data += section
pathlib.Path(__file__).with_name("v1.mfn").write_bytes(data + hashlib.sha256(data).digest())

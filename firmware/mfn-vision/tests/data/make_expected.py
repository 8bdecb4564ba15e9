#!/usr/bin/env python3
"""Makes the expected pictures and expected.json of this folder with OpenCV 5 and numpy.

Not needed to run the tests. Usage:
    python3 make_expected.py GOLDEN FIXTURES
GOLDEN holds detector-yunet-n.json and its 320x256 pictures, FIXTURES the portraits that these were
scaled from. Made with opencv-python-headless 5.0.0 and numpy 2: OpenCV 4 rounds the source
coordinates of warpAffine to 1/32 pixel and must not be used here.
"""
import json
import pathlib
import shutil
import sys

import cv2
import numpy as np

assert cv2.__version__.startswith("5."), cv2.__version__
HERE = pathlib.Path(__file__).parent
SIDE = 112
TEMPLATE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366),
                     (41.5493, 92.3655), (70.7299, 92.2041)])


def similarity(points):
    """Umeyama 1991 by singular values, as the paper gives it (the crate divides complex numbers)."""
    points = np.asarray(points, float)
    f, t = points - points.mean(0), TEMPLATE - TEMPLATE.mean(0)
    u, d, vt = np.linalg.svd(t.T @ f / 5)
    sign = np.diag([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / f.var(0).sum()
    linear = scale * rotation
    return np.c_[linear, TEMPLATE.mean(0) - linear @ points.mean(0)]


def plain_bilinear(picture, matrix):
    """float64 bilinear sampling at the inverse, zero outside; picture may be float."""
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    sx, sy = (inverse[i, 0] * x + inverse[i, 1] * y + inverse[i, 2] for i in (0, 1))
    x0, y0 = np.floor(sx).astype(int), np.floor(sy).astype(int)
    wx, wy = (sx - x0)[..., None], (sy - y0)[..., None]
    h, w = picture.shape[:2]

    def pixel(x, y):
        inside = ((x >= 0) & (x < w) & (y >= 0) & (y < h))[..., None]
        return np.where(inside, picture[y.clip(0, h - 1), x.clip(0, w - 1)].astype(float), 0)

    above = pixel(x0, y0) * (1 - wx) + pixel(x0 + 1, y0) * wx
    below = pixel(x0, y0 + 1) * (1 - wx) + pixel(x0 + 1, y0 + 1) * wx
    return np.floor(above * (1 - wy) + below * wy + 0.5).astype(np.uint8)


def halved(picture, square):
    """Means of squares, not rounded, and the matrix from halved to whole coordinates."""
    h, w = (n // square for n in picture.shape[:2])
    blocks = picture[:h * square, :w * square].astype(float).reshape(h, square, w, square, 3)
    return blocks.mean((1, 3)), np.array([[square, 0, (square - 1) / 2], [0, square, (square - 1) / 2], [0, 0, 1]])


def crop(name, picture, points, cases):
    image = cv2.imread(str(HERE / picture))
    matrix = similarity(points)
    scale = float(np.hypot(*matrix[:, 0]))
    opencv = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    plain = plain_bilinear(image, matrix)
    print(f"{name}: scale {scale:.4f}, mean |OpenCV - plain| {np.abs(opencv.astype(int) - plain).mean():.6f}")
    square = 1
    while scale * square < 0.5:
        square *= 2
    if square > 1:
        small, up = halved(image, square)
        opencv = plain_bilinear(small, (np.vstack([matrix, [0, 0, 1]]) @ up)[:2])
    cv2.imwrite(str(HERE / f"{name}.png"), opencv)
    cases.append({"picture": picture, "points": np.asarray(points).tolist(), "scale": scale,
                  "halvings": square.bit_length() - 1, "crop": f"{name}.png"})


def crops(golden, path):
    cases = []
    for picture, faces in golden.items():
        shutil.copy(path / picture, HERE / picture)
        (HERE / picture).chmod(0o644)
        crop(picture.replace("320x256.png", "crop"), picture, faces[0]["points"], cases)
    picture = "astronaut-1-320x256.png"
    points = np.array(golden[picture][0]["points"])
    crop("edge-crop", picture, points - [85.0, 20.0], cases)
    crop("turned-crop", picture, (points - 90) @ np.array([[0.6, -0.8], [0.8, 0.6]]) + 90, cases)
    for name, scale in (("halved-crop", 0.43), ("halved-twice-crop", 0.21)):
        crop(name, picture, (TEMPLATE - 60) @ np.array([[0.96, 0.28], [-0.28, 0.96]]) / scale + 130, cases)
    return cases


def large(golden, fixtures):
    """The points in pixels of the full-size portraits; 320x256 fits them at the top left."""
    cases = []
    for picture, faces in golden.items():
        name = picture.replace("-320x256.png", ".jpg")
        h, w = cv2.imread(str(fixtures / name)).shape[:2]
        scale = min(320 / w, 256 / h)
        cases.append({"picture": name, "points": (np.array(faces[0]["points"]) / scale).tolist()})
    return cases


def conversions():
    """A small cut in other formats, with the RGB that OpenCV reads from them."""
    image = cv2.imread(str(HERE / "astronaut-1-320x256.png"))[20:68, 90:154]
    yuyv = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_YUY2)
    (HERE / "cut.yuyv").write_bytes(yuyv.tobytes())
    cv2.imwrite(str(HERE / "cut-yuyv.png"), cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUYV))
    i420 = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    planes = i420.reshape(-1)
    y, chroma = planes[:64 * 48], planes[64 * 48:].reshape(2, -1)
    nv12 = np.concatenate([y, chroma.T.reshape(-1)])
    (HERE / "cut.nv12").write_bytes(nv12.tobytes())
    cv2.imwrite(str(HERE / "cut-nv12.png"), cv2.cvtColor(nv12.reshape(72, 64), cv2.COLOR_YUV2BGR_NV12))
    cv2.imwrite(str(HERE / "cut.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 90])
    cv2.imwrite(str(HERE / "cut-jpg.png"), cv2.imread(str(HERE / "cut.jpg")))


def sizes():
    image = cv2.imread(str(HERE / "vice-president-1-320x256.png"))[:96, :112]
    cv2.imwrite(str(HERE / "sizes.png"), image)
    for w, h, how in ((70, 60, cv2.INTER_LINEAR), (150, 120, cv2.INTER_LINEAR), (28, 24, cv2.INTER_AREA)):
        cv2.imwrite(str(HERE / f"sizes-{w}x{h}.png"), cv2.resize(image, (w, h), interpolation=how))


def main():
    path, fixtures = map(pathlib.Path, sys.argv[1:3])
    golden = json.loads((path / "detector-yunet-n.json").read_text())["faces"]
    expected = {"crops": crops(golden, path), "large": large(golden, fixtures)}
    conversions()
    sizes()
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()

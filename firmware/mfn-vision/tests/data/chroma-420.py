"""Makes chroma-420.jpg (4:2:0, 70 rows: no multiple of 16) and prints what libjpeg-turbo, in OpenCV, decodes.

python chroma-420.py, with opencv-python 4 or later and numpy; the values stand in photo.rs.
"""

import pathlib

import cv2
import numpy as np

y, x = np.mgrid[0:70, 0:90]
picture = np.stack([(x * 5) % 256, (y * 9) % 256, (x * 3 + y * 7) % 256], -1).astype(np.uint8)
picture = cv2.GaussianBlur(picture, (0, 0), 2)
path = str(pathlib.Path(__file__).with_name("chroma-420.jpg"))
flags = [cv2.IMWRITE_JPEG_QUALITY, 90]
flags += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
cv2.imwrite(path, picture, flags)
decoded = cv2.imread(path)[:, :, ::-1]
for row in (0, 31, 62, 63, 64, 65, 66, 67, 68, 69):
    print(f"({row}, {decoded[row, [0, 45, 89]].tolist()}),")

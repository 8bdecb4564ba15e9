"""Writes pattern.avi (MJPEG in AVI, by OpenCV's own muxer) and pattern.mjpeg (JPEG pictures one after the
other): three pictures of 32x32 pixels in one colour each. Not needed to run the tests.
Usage: python generate.py, with opencv-python and numpy."""
import cv2
import numpy as np

COLOURS_RGB = [(200, 30, 40), (20, 180, 60), (50, 70, 220)]

pictures = [np.full((32, 32, 3), rgb[::-1], np.uint8) for rgb in COLOURS_RGB]
avi = cv2.VideoWriter("pattern.avi", cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter_fourcc(*"MJPG"), 12.5, (32, 32))
for picture in pictures:
    avi.write(picture)
avi.release()
with open("pattern.mjpeg", "wb") as file:
    for picture in pictures:
        # Progressive: several scans a picture.
        options = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
        file.write(cv2.imencode(".jpg", picture, options)[1].tobytes())
        file.write(bytes(7))

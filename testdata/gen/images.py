"""Images and the arrays that PIL and numpy make of them, for data given as folders of images.

    python testdata/gen/images.py

testdata/images/: folder/ with a PNG, a grey PNG, one with alpha, a BMP and a JPEG of one size, and expected.npz with an
array for each way to read them (tests/data/images.rs). YUV is PIL's YCbCr, full-range BT.601 as in JPEG.
"""

import pathlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parents[1] / "images"
HEIGHT, WIDTH = 48, 64
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def picture(seed):
    """Smooth colours with an edge, and all corners of the cube."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / 20.0
    phases = rng.uniform(0, 6, (3, 2))
    image = np.stack([np.sin(x * (c + 1) + phases[c, 0]) * np.cos(y + phases[c, 1]) for c in range(3)], -1)
    image = np.round(image * 110 + 128).astype(np.uint8)
    image[20:30, 10:40] = 255 - image[20:30, 10:40]
    for corner in range(8):
        image[40:44, corner * 4 : corner * 4 + 4] = [255 * (corner >> bit & 1) for bit in range(3)]
    return Image.fromarray(image)


def planes(image, color):
    values = np.asarray(image.convert("YCbCr" if color == "yuv444" else "RGB"), dtype=np.float32)
    if color == "yuv444":
        values = values - 128
    if color == "bgr":
        values = values[..., ::-1]
    return values.transpose(2, 0, 1)


def main():
    folder = OUT / "folder"
    folder.mkdir(parents=True, exist_ok=True)
    picture(1).save(folder / "a.png")
    picture(2).convert("L").save(folder / "b.png")
    alpha = picture(3)
    alpha.putalpha(Image.fromarray(np.full((HEIGHT, WIDTH), 90, np.uint8)))
    alpha.save(folder / "c.png")
    picture(4).save(folder / "d.bmp")
    picture(5).save(folder / "e.jpg", quality=90, subsampling=0)
    images = [Image.open(path).convert("RGB") for path in sorted(folder.iterdir())]
    resized = [image.resize((WIDTH // 2, HEIGHT // 3), Image.Resampling.BILINEAR) for image in images]

    def stack(images, color, mean, std):
        shaped = [np.asarray(value, np.float32).reshape(3, 1, 1) for value in (mean, std)]
        return np.stack([(planes(image, color) - shaped[0]) / shaped[1] for image in images]).astype(np.float32)

    expected = {
        "rgb": stack(images, "rgb", [128] * 3, [128] * 3),
        "bgr": stack(images, "bgr", MEAN[::-1], STD[::-1]),
        "yuv444": stack(images, "yuv444", [0] * 3, [128] * 3),
        "resized": stack(resized, "rgb", MEAN, STD),
    }
    np.savez_compressed(OUT / "expected.npz", **expected)


if __name__ == "__main__":
    main()

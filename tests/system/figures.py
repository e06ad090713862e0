#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `wisp eval` says of pictures against scikit-image, where that is installed: of inputs as they are, and of the files that `wisp run -o` makes.

usage: figures.py BUILD-FOLDER
"""
import json
import os
import random
import sys
import tempfile

sys.dont_write_bytecode = True
from programs import Programs, check, png

try:
    import skimage.io
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity
except ImportError:
    if "WISP_METRICS_PYTHON" in os.environ:  # scripts/test has them there
        os.execv(python := os.environ.pop("WISP_METRICS_PYTHON"), [python, *sys.argv])
    print("skipped: scikit-image is not installed")
    sys.exit(77)

WIDTH, HEIGHT, COUNT = 41, 35, 3
STRUCTURE = "name: p\nprocessing: image.denoising\ninput: [3, 16, 16]\nlayers:\n  - conv2d: {channels: 3, kernel: 3, padding: 1}\n"
MEDIA = {"kind": "image", "width": 16, "height": 16, "fit": "tiles", "answer": "picture"}


def similarity(a, b):
    return structural_similarity(a, b, data_range=255, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)


def mean(measure, of, programs):
    pictures = [[skimage.io.imread(os.path.join(programs.folder, folder, f"{i}.png")) for folder in ("data/target", of)] for i in range(COUNT)]
    return sum(measure(*pair) for pair in pictures) / COUNT


def main():
    chance = random.Random(5)
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(sys.argv[1], folder)
        for i in range(COUNT):
            clean = [[(x * (i + 2) + y * 3) % 251 for x in range(3 * WIDTH)] for y in range(HEIGHT)]
            noisy = [[min(max(value + chance.randrange(-20 * (i + 1), 20 * (i + 1)), 0), 255) for value in row] for row in clean]
            for name, rows in ("target", clean), ("input", noisy):
                os.makedirs(os.path.join(folder, "data", name), exist_ok=True)
                with open(os.path.join(folder, "data", name, f"{i}.png"), "wb") as file:
                    file.write(png(rows))
        with open(os.path.join(folder, "p.yaml"), "w", encoding="utf-8") as file:
            file.write(STRUCTURE)
        programs.run("bin/wisp-forge", "build", "--structure=p.yaml", "-s0", "--no-history", "--media", json.dumps(MEDIA), "-o", "p.safetensors")
        said = json.loads(programs.run("bin/wisp-forge", "eval", "p.safetensors", "-D", "data", "--loss", "mse", "--json"))
        os.mkdir(os.path.join(folder, "made"))
        programs.run("bin/wisp", "run", "--model", "p.safetensors", *(f"data/input/{i}.png" for i in range(COUNT)), "-o", "made")
        psnr = lambda a, b: peak_signal_noise_ratio(a, b, data_range=255)
        # Files are rounded to bytes; inputs are bytes.
        for key, measure, of, near in (("input_psnr", psnr, "data/input", 1e-4), ("input_ssim", similarity, "data/input", 1e-6),
                                       ("psnr", psnr, "made", 0.05), ("ssim", similarity, "made", 0.002)):
            wanted = mean(measure, of, programs)
            check(f"{key}: {said[key]}, scikit-image says {wanted}", abs(said[key] - wanted) < near)
            print(key, said[key], wanted)


main()

# SPDX-License-Identifier: Apache-2.0
"""A picture of a measurement, as SVG."""
import os
from html import escape

WIDTH = 1280


class Page:
    def __init__(self):
        self.lines = []

    def text(self, x, y, words, size=12, color="#5c6978", anchor="start", bold=False):
        weight = ' font-weight="bold"' if bold else ""
        self.lines.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}"{weight}>{escape(words)}</text>')

    def line(self, points, color, width=1.6, dashed=False):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self.lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"{dashes}/>')

    def dot(self, x, y, color, radius=2.6):
        self.lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{color}"/>')

    def band(self, x, y, x2, y2, color):
        self.lines.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{x2 - x:.1f}" height="{y2 - y:.1f}" fill="{color}" fill-opacity="0.14"/>')

    def write(self, path, height):
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" font-family="DejaVu Sans, sans-serif">'
        with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
            file.write("\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *self.lines, "</svg>", ""]))
        os.rename(f"{path}.{os.getpid()}", path)

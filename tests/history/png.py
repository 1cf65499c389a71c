"""Reads the pictures that rrdtool draws: PNG of 8 bits, without interlacing."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 6: 4}
"""By the colour type: grey, red-green-blue, palette, red-green-blue-alpha."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Picture:
    """Rows of pixels, from the top."""

    rows: list[list[Colour]]

    @property
    def size(self) -> tuple[int, int]:
        return len(self.rows[0]), len(self.rows)

    def places(self, colour: str, near: int = 60) -> list[tuple[int, int]]:
        """Where (x, y) a pixel is of a colour, or nearly: lines have soft edges."""
        red, green, blue = bytes.fromhex(colour)
        return [
            (x, y)
            for y, row in enumerate(self.rows)
            for x, (r, g, b) in enumerate(row)
            if abs(r - red) + abs(g - green) + abs(b - blue) <= near
        ]

    def has(self, colour: str) -> bool:
        return bool(self.places(colour))


def decoded(image: bytes) -> Picture:
    """The pixels of a PNG."""
    assert image.startswith(SIGNATURE), image[:20]
    position, head, palette, data = 8, b"", b"", b""
    while position < len(image):
        (length,) = struct.unpack_from(">I", image, position)
        kind, body = image[position + 4 : position + 8], image[position + 8 : position + 8 + length]
        (crc,) = struct.unpack_from(">I", image, position + 8 + length)
        assert crc == zlib.crc32(kind + body), kind
        if kind == b"IHDR":
            head = body
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            data += body
        position += 12 + length
    width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    assert (depth, interlaced) == (8, 0)
    channels = CHANNELS[colours]
    lines = unfiltered(zlib.decompress(data), width * channels, channels)
    assert len(lines) == height
    return Picture([[colour(line, x, channels, palette) for x in range(width)] for line in lines])


def colour(line: bytes, x: int, channels: int, palette: bytes) -> Colour:
    if channels >= 3:
        r, g, b = line[x * channels : x * channels + 3]
    elif palette:
        r, g, b = palette[3 * line[x] : 3 * line[x] + 3]
    else:
        r = g = b = line[x]
    return r, g, b


def unfiltered(data: bytes, width: int, channels: int) -> list[bytes]:
    """The lines of the picture, of so many bytes each; see section 9 of the PNG specification."""
    lines: list[bytes] = []
    above = bytes(width)
    for start in range(0, len(data), width + 1):
        how, line = data[start], bytearray(data[start + 1 : start + 1 + width])
        for i in range(width):
            left = line[i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            up = above[i]
            more = (0, left, up, (left + up) // 2, paeth(left, up, corner))[how]
            line[i] = (line[i] + more) & 255
        above = bytes(line)
        lines.append(above)
    return lines


def paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))

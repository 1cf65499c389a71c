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
        wanted = bytes.fromhex(colour)
        colours = {each for row in self.rows for each in row}
        good = {c for c in colours if sum(map(abs, map(int.__sub__, c, wanted))) <= near}
        return [
            (x, y)
            for y, row in enumerate(self.rows)
            if not good.isdisjoint(row)
            for x, pixel in enumerate(row)
            if pixel in good
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
    return Picture([pixels(line, channels, palette) for line in lines])


def pixels(line: bytes, channels: int, palette: bytes) -> list[Colour]:
    if palette:
        return [(palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]) for i in line]
    red, green, blue = (line[min(n, channels - 1) :: channels] for n in range(3))
    return list(zip(red, green, blue, strict=True))


def unfiltered(data: bytes, width: int, channels: int) -> list[bytes]:
    """The lines of the picture, of so many bytes each; see section 9 of the PNG specification."""
    lines: list[bytes] = []
    above = bytes(width)
    for start in range(0, len(data), width + 1):
        how, raw = data[start], data[start + 1 : start + 1 + width]
        line = bytearray(channels)  # what lies left of the first pixel is nothing
        if how == 0:
            line += raw
        elif how == 2:
            line += bytes((a + b) & 255 for a, b in zip(raw, above, strict=True))
        else:
            corners = bytes(channels) + above
            for i, more in enumerate(raw):
                left, up = line[i], above[i]
                if how == 1:
                    line.append((more + left) & 255)
                elif how == 3:
                    line.append((more + (left + up) // 2) & 255)
                else:
                    line.append((more + paeth(left, up, corners[i])) & 255)
        above = bytes(line[channels:])
        lines.append(above)
    return lines


def paeth(left: int, up: int, corner: int) -> int:
    to_left, to_up = abs(up - corner), abs(left - corner)
    to_corner = abs(left + up - 2 * corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner

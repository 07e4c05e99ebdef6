"""Forty kinds of photo: formats, depths, orientations, damage. Each shows the same 60x40 picture, upright."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 60, 40
RANGE = "and no range that tells what is white"
FORMATS = "none of JPEG, PNG, WEBP, BMP, TIFF, whatever its name says"


def picture():
    """Four colours, so that no turn leaves it as it is."""
    pixels = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    pixels[:20, :30], pixels[:20, 30:], pixels[20:, :30] = (220, 30, 30), (30, 200, 30), (30, 30, 210)
    return Image.fromarray(pixels)


def _saved(image, form, **options):
    image = image.copy()  # saving a JPEG leaves settings in the image
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def _exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_of_16_bits():
    """RGB of 16 bits, which PIL reads and does not write."""
    deep = np.asarray(picture()).astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    chunks = [_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def kinds():
    """File name to bytes and to what every reader says of it: "" for a photo that is taken, else some of the words."""
    image = picture()
    gray, alpha, whole = image.convert("L"), image.convert("RGBA"), _saved(image, "JPEG", quality=95)
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    left, half, across = Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT
    turned, upside = image.transpose(left), image.transpose(half)
    more = {"save_all": True}
    png, webp, tiff = _saved(image, "PNG"), _saved(image, "WEBP", lossless=True), _saved(image, "TIFF")
    bad_exif = b"\xff\xd8\xff\xe1\x00\x10Exif\0\0II*\0\xff\xff\xff\xff" + whole[2:]
    taken = {
        "plain.jpg": whole,
        "plain.jfif": whole,
        "plain.jpe": whole,
        "gray.jpg": _saved(gray, "JPEG"),
        "cmyk.jpg": _saved(image.convert("CMYK"), "JPEG"),
        "progressive.jpg": _saved(image, "JPEG", progressive=True),
        "turned-3.jpg": _saved(upside, "JPEG", exif=_exif(3)),
        "turned-6.jpg": _saved(turned, "JPEG", exif=_exif(6)),
        "bad-exif.jpg": bad_exif,
        "two-pictures.jpg": _saved(image, "MPO", append_images=[gray.convert("RGB")], **more),
        "png-inside.jpg": png,
        "plain.png": png,
        "alpha.png": _saved(alpha, "PNG"),
        "gray.png": _saved(gray, "PNG"),
        "gray-alpha.png": _saved(gray.convert("LA"), "PNG"),
        "one-bit.png": _saved(gray.convert("1"), "PNG"),
        "palette.png": _saved(image.quantize(4), "PNG", transparency=b"\0\x80"),
        "gray-16.png": _saved(deep, "PNG"),
        "rgb-16.png": _png_of_16_bits(),
        "turned-8.png": _saved(image.transpose(Image.Transpose.ROTATE_270), "PNG", exif=_exif(8)),
        "moving.png": _saved(image, "PNG", append_images=[gray.convert("RGB")], **more),
        "plain.webp": webp,
        "alpha.webp": _saved(alpha, "WEBP", lossless=True),
        "moving.webp": _saved(image, "WEBP", lossless=True, append_images=[gray.convert("RGB")], **more),
        "plain.bmp": _saved(image, "BMP"),
        "palette.bmp": _saved(image.quantize(4), "BMP"),
        "plain.tif": tiff,
        "lab.tif": _saved(Image.merge("LAB", image.split()), "TIFF"),
        "cmyk.tif": _saved(image.convert("CMYK"), "TIFF"),
        "gray-16.tif": _saved(deep, "TIFF"),
        "pages.tiff": _saved(image, "TIFF", append_images=[gray.convert("RGB")], **more),
        "turned-2.tif": _saved(image.transpose(across), "TIFF", tiffinfo={274: 2}),
        "turned-3.tif": _saved(upside, "TIFF", tiffinfo={274: 3}, compression="tiff_lzw"),
        "turned-6.tif": _saved(turned, "TIFF", tiffinfo={274: 6}),
        "turned-6-lzw.tif": _saved(turned, "TIFF", tiffinfo={274: 6}, compression="tiff_lzw"),
    }
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    signed = Image.fromarray(np.asarray(gray).astype(np.int32) * 1000 - 9)
    refused = {
        "float.tif": (_saved(Image.fromarray(np.asarray(gray) / np.float32(255)), "TIFF"), f"numbers, {RANGE}"),
        "whole-32.tif": (_saved(signed, "TIFF"), f"holds numbers of {1000 * int(np.asarray(gray).min()) - 9}"),
        "half.jpg": (whole[:-60], "cannot be read: image file is truncated"),
        "half-and-end.jpg": (whole[: len(whole) * 2 // 3] + b"\xff\xd9", "cannot be read: its pixels are damaged"),
        "zeros.jpg": (whole[:-300] + bytes(200) + whole[-100:], "cannot be read: its pixels are damaged"),
        "half.png": (png[: len(png) // 2], "cannot be read"),
        "half.webp": (webp[: len(webp) // 2], "cannot be read"),
        "half.tif": (tiff[:200], "cannot be read"),
        "half.bmp": (_saved(image, "BMP")[:3000], "cannot be read"),
        "empty.jpg": (b"", "cannot be read: it is empty, 0 bytes"),
        "text.jpg": (b"hello", f"cannot be read: it is {FORMATS}"),
        "moving.gif": (_saved(image, "GIF"), f"cannot be read: it is GIF, and {FORMATS}"),
        "phone.heic": (heic, "cannot be read: it is HEIC, and damaged"),
    }
    return {name: (data, "") for name, data in taken.items()} | refused

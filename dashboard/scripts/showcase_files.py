"""The files that the jobs of showcase.py make: tables, charts, pictures, a page, a sound, all from the standard library."""

import csv
import io
import math
import random
import struct
import wave
import zlib

figures = random.Random(7)

REGIONS = ["north", "south", "east", "west"]
DAYS = 30


def sales_csv() -> bytes:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["date", "region", "orders", "revenue", "returns"])
    for day in range(DAYS):
        for region in REGIONS:
            orders = figures.randint(40, 180)
            revenue = f"{orders * figures.uniform(21, 34):.2f}"
            rows.writerow([f"2026-06-{day + 1:02}", region, orders, revenue, figures.randint(0, 9)])
    return text.getvalue().encode()


def line_chart(title: str, series: dict[str, list[float]]) -> bytes:
    """An SVG with a line for each series."""
    colours = ["#4a4fd4", "#18723c", "#b3261e", "#8f5600"]
    top = max(max(values) for values in series.values())
    grid = "".join(f'<path d="M40 {y}H460" stroke="#e3e5ea"/>' for y in (40, 80, 120, 160, 200))
    lines = []
    for place, (name, values) in enumerate(series.items()):
        colour = colours[place % len(colours)]
        steps = (
            f"{40 + 420 * x / (len(values) - 1):.1f},{200 - 160 * value / top:.1f}" for x, value in enumerate(values)
        )
        lines.append(f'<polyline points="{" ".join(steps)}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        lines.append(f'<text x="{40 + 110 * place}" y="228" fill="{colour}">{name}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 240" font-family="sans-serif" font-size="12">'
        f'<rect width="480" height="240" fill="#fff"/><text x="40" y="24" font-size="15" fill="#1b1e25">{title}</text>'
        f"{grid}{''.join(lines)}</svg>"
    ).encode()


def heatmap(width: int, height: int, turn: int = 1) -> bytes:
    """A PNG of two hills, blue to yellow; every turn moves them."""

    def colour(x: int, y: int) -> bytes:
        first = math.exp(
            -(((x - width * (0.25 + 0.08 * turn)) / (width * 0.2)) ** 2) - ((y - height * 0.55) / (height * 0.3)) ** 2
        )
        second = 0.8 * math.exp(
            -(((x - width * 0.72) / (width * 0.14)) ** 2) - ((y - height * 0.4) / (height * 0.25)) ** 2
        )
        warm = min(1.0, first + second)
        return bytes(
            (int(40 + 215 * warm), int(50 + 170 * warm**1.4), int(130 + 40 * math.sin(3 * warm) - 90 * warm**2))
        )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"".join(colour(x, y) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def price_list() -> bytes:
    """XML with some items."""
    names = [("espresso", 3.2), ("mocha", 4.1), ("filter", 2.9), ("decaf", 3.4)]
    items = "".join(
        f'  <item sku="{name}-{n}" currency="EUR">\n    <price>{price:.2f}</price>\n  </item>\n'
        for n, (name, price) in enumerate(names)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- as the till reads it -->\n<prices valid="2026-06">\n{items}</prices>\n'.encode()


def report_page(month: str) -> bytes:
    """A page as reporting tools write it: a table, with its style inside."""
    rows = "".join(
        f"<tr><td>{region}</td><td>{figures.randint(700, 1400):,}</td><td>{figures.uniform(18, 34):.1f} k€</td></tr>"
        for region in REGIONS
    )
    style = "body{font:15px system-ui;margin:2rem;color:#1b1e25}table{border-collapse:collapse}td,th{padding:.5rem 1.25rem;border-bottom:1px solid #ddd;text-align:left}"
    return f"<!doctype html><meta charset=utf-8><title>{month}</title><style>{style}</style><h1>{month} at a glance</h1><table><tr><th>Region<th>Orders<th>Revenue</tr>{rows}</table>".encode()


def chime(seconds: float = 1.2) -> bytes:
    """A WAV of a fading tone."""
    rate, sound = 16_000, io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", "not compressed"))
        steps = range(int(rate * seconds))
        file.writeframes(
            b"".join(
                struct.pack("<h", int(12_000 * math.exp(-3 * n / rate) * math.sin(2 * math.pi * 660 * n / rate)))
                for n in steps
            )
        )
    return sound.getvalue()


def invoice_pdf(customer: str, total: float) -> bytes:
    """One page with two lines of text."""
    words = f"BT /F1 26 Tf 72 720 Td (Invoice) Tj /F1 13 Tf 0 -44 Td ({customer}: {total:.2f} EUR) Tj ET".encode(
        "latin-1", "replace"
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(words), words),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    pdf, places = bytearray(b"%PDF-1.4\n"), []
    for number, text in enumerate(objects, 1):
        places.append(len(pdf))
        pdf += b"%d 0 obj%s endobj\n" % (number, text)
    start = len(pdf)
    pdf += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(
        b"%010d 00000 n \n" % place for place in places
    )
    return bytes(pdf + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))

"""Pictures of writing, made by code."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

CHINESE_FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")


def written(lines, *, size=(900, 400), background="white", mode="RGB", font=None):
    """A picture with (x, y, words) from its top left, in letters 30 pixels high."""
    image = Image.new(mode, size, background)
    draw = ImageDraw.Draw(image)
    letters = ImageFont.truetype(font, 30) if font else ImageFont.load_default(30)
    for x, y, words in lines:
        draw.text((x, y), words, fill="black" if mode != "CMYK" else (0, 0, 0, 255), font=letters)
    return image


def scanned_pdf(path, pages):
    """A PDF whose pages are each a picture, or a line of text."""
    canvas = Canvas(str(path), pagesize=A4)
    for page in pages:
        if isinstance(page, str):
            canvas.drawString(50, 700, page)
        else:
            canvas.drawImage(ImageReader(page), 0, 0, *A4, preserveAspectRatio=True)
        canvas.showPage()
    canvas.save()
    return path

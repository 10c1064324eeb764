"""Take the pictures of docs/gallery.md and of the README anew: python docs/images/gallery.py

Runs TOWER and an example with the usual seed, opens their pages in Chromium (playwright, from the extra `dev`) and
keeps parts of them as PNG in docs/images/gallery. Takes a minute or two. Run it when the posterior that ships or the
report changes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent / "gallery"
ROOT = HERE.parents[2]
COMMANDS = (
    ("trial", "run", "tower", "--out", "tower"),
    ("trial", "run", str(ROOT / "examples/flat-or-by-surface.yaml"), "--out", "dose"),
    ("trial", "run", "tower", "--seed", "2", "--replicates", "40", "--out", "tower-2", "--no-report"),
    ("trial", "compare", "tower", "tower-2", "--report", "beside.html"),
    ("patient", "--compare", "flag", "--out", "patient.png"),
    ("evidence", "forest", "--endpoint", "CR/CRh", "--out", "forest.png"),
)
# Picture: page, the element to keep, light or dark.
SHOTS = {
    "comparison": ("tower/report.html", "section:has(#comparison) figure", "light"),
    "survival": ("tower/report.html", "section:has(#survival-OS)", "light"),
    "survival-dark": ("tower/report.html", "section:has(#survival-OS)", "dark"),
    "flow": ("tower/report.html", "section:has(> #flow)", "light"),
    "courses": ("tower/report.html", "#courses", "light"),
    "safety": ("dose/report.html", "section:has(> #safety)", "light"),
    "compare": ("beside.html", "figure", "light"),
}
COPIED = ("patient.png", "forest.png")
WIDEST = 1400  # pixels


def main() -> None:
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        for words in COMMANDS:
            subprocess.run([sys.executable, "-m", "engager.app.cli", *words], cwd=place, check=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_chromium())
            for name, (page, part, scheme) in SHOTS.items():
                context = browser.new_context(
                    viewport={"width": 1100, "height": 900}, device_scale_factor=1.4, color_scheme=_scheme(scheme)
                )
                _keep(context.new_page(), Path(place) / page, part, HERE / f"{name}.png")
                context.close()
            browser.close()
        for name in COPIED:
            (HERE / name).write_bytes((Path(place) / name).read_bytes())
    for picture in sorted(HERE.glob("*.png")):
        _shrink(picture)


def _keep(page: Page, source: Path, part: str, target: Path) -> None:
    page.goto(source.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.locator(part).first.screenshot(path=target)


def _scheme(name: str) -> Any:
    return name


def _chromium() -> str | None:
    """Debian's browser where there is one; else playwright's own."""
    usual = Path("/usr/bin/chromium")
    return str(usual) if usual.exists() else None


def _shrink(picture: Path) -> None:
    """Fewer colors and pixels than a screen has: figures of lines and words lose nothing that is seen."""
    image = Image.open(picture).convert("RGB")
    if image.width > WIDEST:
        image = image.resize((WIDEST, round(image.height * WIDEST / image.width)), Image.Resampling.LANCZOS)
    image.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    main()

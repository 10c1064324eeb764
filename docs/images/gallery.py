"""Take the pictures of docs/gallery.md and of the README anew: python docs/images/gallery.py [NAME ...]

Runs TOWER and an example with the usual seed, opens their pages and the dashboard in Chromium (playwright, from the
extra `dev`) and keeps parts of them as PNG in docs/images/gallery; with names, only those pictures. Takes a minute or
two. Run it when the posterior that ships or the report changes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright

HERE = Path(__file__).resolve().parent / "gallery"
ROOT = HERE.parents[2]
COMMANDS = (
    ("trial", "run", "tower", "--out", "runs/tower"),
    ("trial", "run", str(ROOT / "examples/flat-or-by-surface.yaml"), "--out", "dose"),
    ("trial", "run", "tower", "--seed", "2", "--replicates", "40", "--out", "runs/tower-2", "--no-report"),
    ("trial", "compare", "runs/tower", "runs/tower-2", "--report", "beside.html"),
    ("patient", "--compare", "flag", "--out", "patient.png"),
    ("evidence", "forest", "--endpoint", "CR/CRh", "--out", "forest.png"),
)
# Picture: page, the element to keep, light or dark; a name that ends with narrow is taken at the width of a phone.
SHOTS = {
    "comparison": ("runs/tower/report.html", "section:has(#comparison) figure", "light"),
    "survival": ("runs/tower/report.html", "section:has(#survival-OS)", "light"),
    "survival-dark": ("runs/tower/report.html", "section:has(#survival-OS)", "dark"),
    "survival-narrow": ("runs/tower/report.html", "section:has(#survival-OS) figure", "light"),
    "flow": ("runs/tower/report.html", "section:has(#flow)", "light"),
    "courses": ("runs/tower/report.html", "#courses", "light"),
    "safety": ("dose/report.html", "section:has(#safety)", "light"),
    "compare": ("beside.html", "figure", "light"),
}
COPIED = ("patient.png", "forest.png")
WIDEST = 1400  # pixels
PHONE, SCREEN = 390, 1100
PORT, TRIES = 8799, 60
DASHBOARD = HERE.parent / "dashboard.png"


def main(wanted: list[str]) -> None:
    HERE.mkdir(exist_ok=True)
    shots = {name: shot for name, shot in SHOTS.items() if not wanted or name in wanted}
    pages = [page for page, _, _ in shots.values()]
    with tempfile.TemporaryDirectory() as place:
        for words in COMMANDS:
            makes = words[-2] if words[-1].startswith("--") else words[-1]
            if wanted and not any(page.startswith(makes) for page in pages):
                continue
            subprocess.run([sys.executable, "-m", "engager.app.cli", *words], cwd=place, check=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_chromium())
            for name, (page, part, scheme) in shots.items():
                width, scale = (PHONE, 2.0) if name.endswith("narrow") else (SCREEN, 1.4)
                context = browser.new_context(
                    viewport={"width": width, "height": 900}, device_scale_factor=scale, color_scheme=_scheme(scheme)
                )
                _keep(context.new_page(), Path(place) / page, part, HERE / f"{name}.png")
                context.close()
            if not wanted or "dashboard" in wanted:
                _keep_dashboard(browser, Path(place))
            browser.close()
        copied = [name for name in COPIED if not wanted or Path(name).stem in wanted]
        for name in copied:
            (HERE / name).write_bytes((Path(place) / name).read_bytes())
    taken = [HERE / f"{name}.png" for name in shots] + [HERE / name for name in copied]
    for picture in [*taken, *([DASHBOARD] if not wanted or "dashboard" in wanted else [])]:
        _shrink(picture)


def _keep_dashboard(browser: Browser, home: Path) -> None:
    """The start page over the run of TOWER that was just made."""
    command = [sys.executable, "-m", "engager.app.cli", "serve", "--home", str(home), "--port", str(PORT)]
    with subprocess.Popen(command) as server:
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 860}, device_scale_factor=1.4)
            for _ in range(TRIES):
                try:
                    page.goto(f"http://127.0.0.1:{PORT}/", wait_until="networkidle")
                    break
                except Error:
                    time.sleep(1.0)
            page.screenshot(path=DASHBOARD)
        finally:
            server.terminate()


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
    main(sys.argv[1:])

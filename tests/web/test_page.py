# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a browser: it loads, moves, reconnects and says what it shows; slow viewers slow nobody."""

import os
import re
import threading
import time

import numpy as np
import pytest
from gnuradio.resivid.link.statistics import DecodedBlock, Statistics
from gnuradio.resivid.web.monitor import Monitor
from gnuradio.resivid.web.recorder import Recorder
from gnuradio.resivid.web.server import WebServer
from toy import moving_picture

FRAMES = moving_picture(8)


class Receiver:
    """A monitor that gets a new picture every 40 ms and a block every 80 ms, from a thread of its own."""

    def __init__(self, **options):
        self.monitor = Monitor("test clip", simulated=True, mcs_labels=["QPSK 1", "16QAM 2"], **options)
        self.monitor.document = lambda: Statistics(frames=self.frame, psnr_db=24.0, blocks=self.frame // 2)
        self.frame, self.slowest_s = 0, 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stopping.set()
        self._thread.join()

    def _run(self):
        symbols = np.array([1 + 1j, -1 - 1j], np.complex64) / 2**0.5
        while not self._stopping.wait(0.04):
            started = time.thread_time()
            if self.frame % 2 == 0:
                row = self.frame // 20 % 2
                self.monitor.block(
                    DecodedBlock(self.frame, row, 6.5, self.frame % 50 != 0, 629, 3), prefix=60
                )
                self.monitor.symbols(symbols)
            self.monitor.pictures(self.frame, FRAMES[self.frame % 8], FRAMES[0])
            self.slowest_s = max(self.slowest_s, time.thread_time() - started)
            self.frame += 1


@pytest.fixture
def receiver(tmp_path):
    with Receiver(recorder=Recorder(tmp_path, 50)) as receiver:
        yield receiver


@pytest.fixture
def server(receiver):
    with WebServer(receiver.monitor, port=0) as server:
        yield server


def picture(page, name="received"):
    """The 64x64 pixels in the middle of a canvas of the page, and their transparency."""
    return page.evaluate(  # through a canvas that is meant to be read: Chromium warns of others
        "name => { const c = document.getElementById(name), o = new OffscreenCanvas(64, 64);"
        " const pen = o.getContext('2d', { willReadFrequently: true }); pen.drawImage(c, -96, -96);"
        " return [...pen.getImageData(0, 0, 64, 64).data] }",
        name,
    )


def wait_for_frame(page, least):
    page.wait_for_function(
        "least => Number(/\\d+/.exec(document.getElementById('frame').textContent)?.[0] ?? -1) >= least",
        arg=least,
    )


def test_the_page_shows_the_pictures_and_figures_as_they_come(server, open_page):
    page = open_page(server.url)
    wait_for_frame(page, 1)
    first = picture(page)
    page.wait_for_function("() => document.getElementById('f-snr').textContent === '6.5 dB'")
    for _ in range(300):  # it moves, though every eighth picture is the same again
        if picture(page) != first:
            break
        page.wait_for_timeout(100)
    else:
        pytest.fail("the picture stands still")
    shown = np.array(picture(page, "original")).reshape(64, 64, 4)[:, :, :3]
    assert np.abs(shown - FRAMES[0][96:160, 96:160].astype(int)).mean() < 6
    assert page.title() == "test clip – gr-resivid"
    assert page.locator("#status").inner_text() == "Live"
    assert page.locator("#f-psnr").inner_text() == "24.0 dB"
    page.wait_for_function("() => document.querySelectorAll('#events li').length >= 3")
    assert "MCS 16QAM 2 from frame" in page.locator("#events").inner_text()
    assert page.evaluate(
        "performance.getEntriesByType('resource').every(e => e.name.startsWith(location.origin))"
    )
    assert page.said == []


def test_the_page_comes_back_after_a_restart_of_the_server(receiver, open_page):
    first = WebServer(receiver.monitor, port=0)
    first.start()
    page = open_page(first.url)
    wait_for_frame(page, 1)
    first.stop()
    page.wait_for_function("() => document.getElementById('status').textContent === 'Reconnecting'")
    last = receiver.frame
    with WebServer(receiver.monitor, port=first.port):
        wait_for_frame(page, last)
        page.wait_for_function("() => document.getElementById('status').textContent === 'Live'")
    refused = [text for text in page.said if "ERR_CONNECTION_REFUSED" not in text]
    assert refused == []  # but that the server was not there


def test_a_new_run_starts_a_new_history(open_page):
    first = WebServer(Monitor("first run"), port=0)
    first.monitor.event("of the first run")
    first.start()
    page = open_page(first.url)
    page.wait_for_function("() => document.getElementById('title').textContent === 'first run'")
    first.stop()
    with WebServer(Monitor("second run"), port=first.port):
        page.wait_for_function("() => document.getElementById('title').textContent === 'second run'")
        assert "first" not in page.locator("#events").inner_text()


def test_a_token_goes_from_the_address_into_a_cookie(receiver, open_page):
    with WebServer(receiver.monitor, port=0, token="a-token-of-a-test") as server:
        door = open_page(f"http://127.0.0.1:{server.port}/")
        door.get_by_label("Token").fill(server.token)
        door.get_by_role("button", name="Open").click()
        wait_for_frame(door, 0)
        page = open_page(server.url)
        wait_for_frame(page, 0)
        assert "token" not in page.url and "token" not in page.evaluate("document.cookie")


def test_the_buttons_save_and_record(server, open_page):
    page = open_page(server.url)
    with page.expect_download() as download:
        page.get_by_role("button", name="Snapshot").click()
    assert re.fullmatch(r"frame-\d{6}-.*\.png", download.value.suggested_filename)
    page.get_by_role("button", name="Record").press("Enter")
    page.get_by_role("button", name=re.compile("Stop 0:0[1-9]")).press("Space")
    link = page.locator("#files a")
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename.endswith(".mp4") and os.path.getsize(download.value.path()) > 500
    assert page.said == []


def test_keyboard_and_screen_reader_find_everything(server, open_page):
    page = open_page(server.url)
    page.wait_for_function(
        "() => document.querySelector('#charts canvas')?.ariaLabel?.includes('now 6.5 dB')"
    )
    for role, name in (("main", None), ("banner", None), ("contentinfo", None), ("log", "Events")):
        assert page.get_by_role(role, **({"name": name} if name else {})).count() == 1
    regions = page.evaluate(
        "[...document.querySelectorAll('section')].every(s => s.getAttribute('aria-labelledby'))"
    )
    images = page.evaluate(
        "[...document.querySelectorAll('canvas')].every(c => c.ariaLabel || c.getAttribute('aria-labelledby'))"
    )
    assert regions and images
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"skip", "snapshot", "record", "charts", "events"} <= reached
    page.locator("#charts").focus()
    page.keyboard.press("ArrowLeft")
    assert re.match(r"Frame \d+, (received|lost): SNR 6\.5 dB, MCS ", page.locator("#reading").inner_text())
    assert page.locator("#reading").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_a_phone(server, open_page, width):
    page = open_page(server.url, viewport={"width": width, "height": 700}, color_scheme="dark")
    wait_for_frame(page, 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 19, 22)"


def gaps(page):
    """Tiles, charts and panels of the page that leave a part of their last row empty, by the selector of their parent."""
    return page.evaluate(
        """() => ['.figures', '#charts', 'main'].filter(selector => {
             const parent = document.querySelector(selector);
             const boxes = [...parent.children].map(c => c.getBoundingClientRect()).filter(box => box.width);
             const right = Math.max(...boxes.map(box => box.right)), last = Math.max(...boxes.map(box => box.top));
             return Math.max(...boxes.filter(box => box.top > last - 2).map(box => box.right)) < right - 60;
           })"""
    )


@pytest.mark.parametrize("width", [390, 768, 1180])
@pytest.mark.parametrize("simulated", [True, False])
def test_what_is_not_measured_leaves_no_gap(open_page, width, simulated):
    monitor = Monitor("clip", simulated=simulated, mcs_labels=["QPSK 1"])
    if not simulated:
        monitor.latency(0.6)
    monitor.block(DecodedBlock(0, 0, 6.5, True, 629, 3), prefix=60 if simulated else None)
    with WebServer(monitor, port=0) as server:
        page = open_page(server.url, viewport={"width": width, "height": 844})
        page.wait_for_function("() => document.getElementById('f-snr').textContent === '6.5 dB'")
        shown = page.locator("#charts figure:visible figcaption span").all_inner_texts()
        assert shown == ["SNR", "MCS", "BLER", "Prefix K" if simulated else "Latency"]
        assert page.locator("#f-latency").is_visible() is not simulated
        assert page.locator("#f-k").is_visible() is simulated
        assert gaps(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_slow_viewers_miss_frames_and_slow_neither_the_receiver_nor_the_others(server, receiver, open_page):
    slow = [open_page(server.url) for _ in range(2)]
    for page in slow:
        wait_for_frame(page, 0)
        page.evaluate(
            "() => { const end = performance.now() + 1500; setInterval(() => { const until = performance.now()"
            " + 400; while (performance.now() < Math.min(end, until)); }, 1); }"
        )
    quick = open_page(server.url)
    before = receiver.frame
    wait_for_frame(quick, before + 20)
    for page in slow:
        wait_for_frame(page, before + 20)
    assert server.counters()["frames_dropped_total"] > 0
    assert receiver.slowest_s < 0.02  # its own work for one frame, whatever the viewers do

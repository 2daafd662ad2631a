# SPDX-License-Identifier: GPL-3.0-or-later
"""PDU `frames` to a picture in a Qt window: for flowgraphs with Qt."""

from __future__ import annotations

import threading

import numpy as np
import pmt
from gnuradio import gr

from ..errors import MissingPackageError
from . import pdus
from .guarded import guarded

try:
    from PyQt5 import QtCore, QtGui, QtWidgets
except ImportError as error:
    raise MissingPackageError(
        "qt_video_sink needs PyQt5; install it with: apt-get install python3-pyqt5"
    ) from error

FRAMES, ORIGINALS, STATUS = (pmt.intern(port) for port in ("frames", "originals", "status"))
MAX_TEXT = 200
GAP = 8  # pixels between the pictures


class PictureView(QtWidgets.QWidget):
    """Up to two pictures side by side, as large as they fit, each under its name, and a line of text."""

    news = QtCore.pyqtSignal()  # from any thread: there is something to show

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setMinimumSize(540, 320)
        self.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Expanding)
        self.setAccessibleName("Received picture")
        self._pictures: list[tuple[str, QtGui.QImage]] = []
        self._text = ""

    def show_pictures(self, pictures: list[tuple[str, np.ndarray]], text: str) -> None:
        """Name and picture, uint8 (H, W, 3), of each; in the thread of the window."""
        self._pictures = [(name, _image(picture)) for name, picture in pictures]
        self._text = text
        self.setAccessibleDescription(text)
        self.update()

    def sizeHint(self):  # noqa: N802, Qt's name
        """Room for two pictures and a line of text."""
        return QtCore.QSize(2 * 320 + 3 * GAP, 400)

    def paintEvent(self, event):  # noqa: N802, Qt's name
        """Draw the pictures beside each other and the text below; in the thread of the window."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.SmoothPixmapTransform)
        line = self.fontMetrics().height() + 6
        area = self.rect().adjusted(GAP, GAP, -GAP, -GAP)
        text_place = QtCore.QRect(area.left(), area.bottom() - line, area.width(), line)
        text = self.fontMetrics().elidedText(self._text, QtCore.Qt.ElideRight, area.width())
        painter.setPen(self.palette().color(QtGui.QPalette.WindowText))
        painter.drawText(text_place, QtCore.Qt.AlignCenter, text)
        if not self._pictures:
            painter.drawText(area, QtCore.Qt.AlignCenter, "No picture yet")
            return
        count = len(self._pictures)
        width = (area.width() - GAP * (count - 1)) // count
        height = area.height() - 2 * line
        for number, (name, image) in enumerate(self._pictures):
            place = QtCore.QRect(area.left() + number * (width + GAP), area.top(), width, line)
            painter.drawText(place, QtCore.Qt.AlignCenter, name)
            size = image.size().scaled(width, height, QtCore.Qt.KeepAspectRatio)
            left = place.left() + (width - size.width()) // 2
            top = area.top() + line + (height - size.height()) // 2
            painter.drawImage(QtCore.QRect(QtCore.QPoint(left, top), size), image)


class qt_video_sink(gr.basic_block):
    """PDU `frames` to a picture in a window; PDU `originals` beside it, message `status` (text) below.

    A window that cannot keep up misses frames: only the latest are kept, and no message waits for the window.
    `dropped` counts bad messages. The widget is `widget`, `text` the last line of text.

    Args:
        parent: Qt widget that owns it; None for a window of its own.
    """

    def __init__(self, parent=None):
        gr.basic_block.__init__(self, name="qt_video_sink", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self.dropped, self.num_shown = 0, 0
        self.widget = PictureView(parent)
        self._lock = threading.Lock()
        self._latest: dict[str, np.ndarray] = {}
        self.text, self._asked = "", False
        self.widget.news.connect(self._show, QtCore.Qt.QueuedConnection)
        for port, handler in (
            (FRAMES, self.on_frames),
            (ORIGINALS, self.on_originals),
            (STATUS, self.on_status),
        ):
            self.message_port_register_in(port)
            self.set_msg_handler(port, handler)

    @guarded
    def on_frames(self, pdu):
        """Show the picture of a PDU `frames` as the received one."""
        self._take("Received", pdus.to_frame(pdu)[0])

    @guarded
    def on_originals(self, pdu):
        """Show the picture of a PDU `frames` as the original."""
        self._take("Original", pdus.to_frame(pdu)[0])

    @guarded
    def on_status(self, message):
        """Show the text of a symbol, cut at MAX_TEXT characters."""
        if not pmt.is_symbol(message):
            raise ValueError("expected a text")
        self.text = pmt.symbol_to_string(message)[:MAX_TEXT]
        self._ask()

    def _take(self, name, picture):
        with self._lock:
            self._latest[name] = picture
        self._ask()

    def _ask(self):
        """One call to the window at a time, however fast the frames come."""
        with self._lock:
            asked, self._asked = self._asked, True
        if not asked:
            self.widget.news.emit()

    def _show(self):
        with self._lock:
            self._asked = False
            pictures = [
                (name, self._latest[name]) for name in ("Original", "Received") if name in self._latest
            ]
        self.num_shown += 1
        self.widget.show_pictures(pictures, self.text)


def _image(picture: np.ndarray) -> QtGui.QImage:
    height, width, _ = picture.shape
    rows = np.ascontiguousarray(picture)
    image = QtGui.QImage(rows.data, width, height, 3 * width, QtGui.QImage.Format_RGB888)
    return image.copy()  # the array may be freed

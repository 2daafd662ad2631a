# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a compiled Qt flowgraph, moves its sliders, saves what its window shows: grab_window.py PROGRAM VIDEO FOLDER"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from PyQt5 import QtCore, QtWidgets

program, video, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
spec = importlib.util.spec_from_file_location(program.stem, program)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
top_block = getattr(module, program.stem)


class Watched(top_block):
    """Grabs the pictures once 16 are there, changes all sliders, grabs again, closes."""

    def show(self):
        super().show()
        print(f"size: {self.width()}x{self.height()}", flush=True)
        self.least, self.step = 16, self.first
        self.timer = QtCore.QTimer()
        self.timer.timeout.connect(self.look)
        self.timer.start(50)

    def look(self):
        if self.pictures.num_shown >= self.least:
            self.step()

    def first(self):
        self.save("first")
        for slider, value in ((self._snr_db_win, 20.0), (self._cbr_e4_win, 6.0), (self._stride_win, 4)):
            slider.findChild(QtWidgets.QAbstractSpinBox).setValue(value)
        self.least, self.step = 10**9, self.second
        self.changing = QtCore.QTimer()
        self.changing.timeout.connect(self.changed)
        self.changing.start(50)

    def changed(self):
        if "BLER" in self.pictures.text and f" {self.link.settings.symbols} symbols" in self.pictures.text:
            self.changing.stop()
            self.least = self.pictures.num_shown + 24

    def second(self):
        self.timer.stop()
        self.save("second")
        self.close()

    def save(self, name):
        self.pictures.widget.grab().save(str(folder / f"{name}.png"))
        self.grab().save(str(folder / f"{name}_window.png"))
        print(f"{name}: {self.pictures.text}", flush=True)


module.main(top_block_cls=Watched, options=argparse.Namespace(video=video))
sys.stdout.flush()
# Destructors of GNU Radio's Qt sinks close widgets that Qt may have deleted already: a crash now and then while Python ends.
os._exit(0)

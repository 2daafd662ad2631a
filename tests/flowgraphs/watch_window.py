# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a compiled Qt receiver until it has shown so many pictures, saves its window: watch_window.py PROGRAM NUMBER OUT ARGS"""

import importlib.util
import sys
from pathlib import Path

from PyQt5 import QtCore

program, number, out = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
sys.argv = [str(program), *sys.argv[4:]]
spec = importlib.util.spec_from_file_location(program.stem, program)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)


class Watched(getattr(module, program.stem)):
    def show(self):
        super().show()
        self.timer = QtCore.QTimer()
        self.timer.timeout.connect(self.look)
        self.timer.start(50)

    def look(self):
        if self.pictures.num_shown >= number:
            self.timer.stop()
            self.pictures.widget.grab().save(out)
            self.grab().save(out.replace(".png", "_window.png"))
            self.close()


module.main(top_block_cls=Watched)

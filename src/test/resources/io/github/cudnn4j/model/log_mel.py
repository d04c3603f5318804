"""Writes log-mel.wav, and log-mel.safetensors: its logarithmic mel energies, computed with numpy.

    python log_mel.py        (made with numpy on the CPU, in float64)

The file holds `vectors` [T, F] of frames of 25 ms every 10 ms, and F = 13 bands.
"""

import json
import pathlib
import struct
import wave

import numpy as np

RATE, WINDOW, HOP, SIZE, BANDS = 8000, 200, 80, 256, 13
here = pathlib.Path(__file__)

random = np.random.default_rng(5)
seconds = np.arange(1000) / RATE
left = 0.5 * np.sin(2 * np.pi * (300 + 4000 * seconds) * seconds)
right = 0.1 * random.standard_normal(1000)
samples = np.round(np.stack([left, right], 1) * 32767).astype("<i2")
with wave.open(str(here.with_name("log-mel.wav")), "wb") as file:
    file.setparams((2, 2, RATE, 0, "NONE", ""))
    file.writeframes(samples.tobytes())

sound = (samples / 32768).mean(1)
frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW + 1)[:-1], SIZE)) ** 2
corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2) / 2595) - 1)
hertz = np.fft.rfftfreq(SIZE, 1 / RATE)
bands = [np.interp(hertz, corners[m : m + 3], [0, 1, 0]) for m in range(BANDS)]
vectors = np.log(power @ np.array(bands).T + 1e-6)

header = {"vectors": {"dtype": "F64", "shape": vectors.shape, "data_offsets": [0, vectors.nbytes]}}
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
here.with_name("log-mel.safetensors").write_bytes(
    struct.pack("<Q", len(text)) + text + vectors.tobytes()
)

"""Reads event files by TensorBoard and compares them with the log of JSON lines; called by bench/check-event-files.mjs."""

import json
import struct
import sys

import tensorboard
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

directory, log = sys.argv[1:]
events = EventAccumulator(directory, size_guidance={SCALARS: 0})
events.Reload()
found = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


expected = {}
with open(log) as file:
    for event in map(json.loads, file):
        if event["type"] == "step":
            names = {"loss": "train/loss", "gradientNorm": "train/grad_norm", "learningRate": "train/learning_rate"}
            scalars = {tag: event[name] for name, tag in names.items()}
        elif event["type"] == "evaluate":
            scalars = {f"eval/{name}": value for name, value in event["metrics"].items()}
        else:
            continue
        for tag, value in scalars.items():
            expected.setdefault(tag, []).append((event["step"], float32(value)))

# An evaluation that is logged again by a resumed run keeps its values, not its time.
steps = [step for step, _ in found.pop("eval/runtime")]
assert steps == [step for step, _ in expected["eval/loss"]], steps
assert found == expected, "TensorBoard reads something else"
assert [step for step, _ in found["train/loss"]] == list(range(1, len(found["train/loss"]) + 1)), "steps are missing"
counts = ", ".join(f"{tag} {len(points)}" for tag, points in sorted(found.items()))
print(f"TensorBoard {tensorboard.__version__} reads what the log says: {counts}")

"""The file format of https://www.speedscope.app (its schema is at /file-format-schema.json there)."""

import json
from typing import Any

from tmplmon.tools.profiler.formats.stacks import Frame, frame_name, stacks
from tmplmon.tools.profiler.profile import Profile


def speedscope(profile: Profile) -> str:
    """Each line of each call path as one sample whose weight is its time."""
    frames: dict[Frame, int] = {}
    samples, weights = [], []
    for stack, seconds in stacks(profile.root):
        samples.append([frames.setdefault(frame, len(frames)) for frame in stack])
        weights.append(seconds)
    made: dict[str, Any] = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "tmplmon",
        "name": "templates",
        "activeProfileIndex": 0,
        "shared": {
            "frames": [
                {"name": frame_name((scope, line)), "file": scope.file, "line": line}
                for scope, line in frames
            ]
        },
        "profiles": [
            {
                "type": "sampled",
                "name": "templates",
                "unit": "seconds",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
    return json.dumps(made, ensure_ascii=False) + "\n"

"""What has to be in a wheel, and nothing else; its size; that two wheels hold the same files with the same bytes."""

import sys
import zipfile
from pathlib import Path

MOST_BYTES = 100_000_000  # registries take no more
NEEDED = (
    "__init__.py",
    "__main__.py",
    "py.typed",
    "configs/default.yaml",
    "configs/simulation/standard.yaml",
    "pipeline/export/locales/fr.json",
    "pipeline/lab/evaluation/published.json",
    "pipeline/lab/labelled_speech/held_out.csv",
    "pipeline/lab/simulation/held_out.csv",
    "pipeline/lab/training/card.md.jinja",
    "pipeline/models/campplus.onnx",
    "pipeline/models/campplus_space.npz",
    "pipeline/models/emotion.onnx",
    "pipeline/models/known.yaml",
    "pipeline/models/segmentation.onnx",
    "pipeline/models/voice.onnx",
    "pipeline/models/whisper/config.json",
    "pipeline/models/whisper/model.bin",
    "pipeline/models/whisper/tokenizer.json",
    "pipeline/models/whisper/vocabulary.txt",
    "pipeline/models/yamnet.onnx",
    "pipeline/voices/lines.json",
    "reports/assets/labelling.js",
    "reports/assets/page.css",
    "reports/locales/fr.json",
    "reports/templates/page.html",
)


def files(path: str) -> dict[str, bytes]:
    """Names and bytes of all that a wheel holds."""
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/")}


for path in sys.argv[1:]:
    if (size := Path(path).stat().st_size) > MOST_BYTES:
        sys.exit(f"{path}: {size:,} bytes; expected at most {MOST_BYTES:,}")
first, *others = map(files, sys.argv[1:])
strangers = [name for name in first if name.split("/")[0] != "ressenti" and ".dist-info/" not in name]
if strangers:
    sys.exit(f"in the wheel beside ressenti/: {strangers}")
absent = [name for name in NEEDED if f"ressenti/{name}" not in first]
if absent:
    sys.exit(f"not in the wheel: {absent}")
for other in others:
    changed = sorted(name for name in first.keys() | other.keys() if first.get(name) != other.get(name))
    if changed:
        sys.exit(f"the wheels differ in {changed}")

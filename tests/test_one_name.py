"""Every module has one name: none is loaded as `pipeline.x` beside `ressenti.pipeline.x`."""

import json
import subprocess
import sys
from pathlib import Path

COMMANDS = """
import json, sys
from ressenti.pipeline.cli.app import app

out, recording = sys.argv[1:]
for command in (
    ["analyze", recording, "--out", out],
    ["report", out, "--overwrite", "--format", "html,textgrid"],
    ["doctor"],
    ["models", "list"],
    ["evaluate", "diarization", "--help"],
    ["simulate", "--help"],
    ["train", "emotion", "--help"],
):
    try:
        app(command)
    except SystemExit as done:
        assert done.code in (0, None), (command, done.code)
import ressenti.pipeline.lab.evaluation.emotion, ressenti.pipeline.lab.simulation.suite
files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
ours = {file for name, file in files.items() if name.partition(".")[0] == "ressenti"}
others = [name for name, file in files.items() if file in ours and file and name.partition(".")[0] != "ressenti"]
print("\\n" + json.dumps([sorted(files), others]))
"""


def test_no_module_is_loaded_under_two_names(ten_seconds: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", COMMANDS, str(tmp_path), str(ten_seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    names, others = json.loads(done.stdout.splitlines()[-1])
    assert not [name for name in names if name.split(".")[0] in ("pipeline", "reports", "configs")]
    assert {"ressenti.pipeline.run", "ressenti.reports.page"} <= set(names)
    assert others == []

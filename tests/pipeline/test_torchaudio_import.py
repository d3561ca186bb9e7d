import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from ressenti.pipeline.models import torchaudio_import

PROBE = """
import importlib.abc, os, sys, warnings
warnings.simplefilter("ignore")
import lightning, torch  # for seconds, and without torchaudio: once for both
assert "torchaudio" not in sys.modules

class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torchaudio._extension":
            raise OSError("libcudart.so: cannot open shared object file")

for before in ([], [Broken()]):
    if child := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        continue
    sys.meta_path[:0] = before
    from ressenti.pipeline.models.torchaudio_import import import_pyannote_audio
    module = import_pyannote_audio()
    import torchaudio
    assert os.environ["PYANNOTE_METRICS_ENABLED"] == "0"
    assert torchaudio.functional.resample(torch.zeros(1, 1600), 16000, 8000).shape == (1, 800)
    from transformers import Wav2Vec2ForSequenceClassification
    print(module.__name__, torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE, flush=True)
    break
"""


@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_pyannote_and_transformers_import_with_and_without_the_extension() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    installed, broken = done.stdout.splitlines()
    assert installed.startswith("pyannote.audio")
    assert broken == "pyannote.audio False"


class Importer:
    """Plays import_module: fails as told the first time, then answers."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, name: str) -> ModuleType:
        self.calls += 1
        if self.error is not None and self.calls == 1:
            sys.modules["torchaudio.half"] = ModuleType("torchaudio.half")
            raise self.error
        return ModuleType(name)


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sys, "modules", {k: v for k, v in sys.modules.items() if not k.startswith("torchaudio")})
    return monkeypatch


def test_nothing_is_touched_where_it_loads(clean: pytest.MonkeyPatch) -> None:
    importer = Importer(None)
    clean.setattr(importlib, "import_module", importer)
    assert torchaudio_import.import_torchaudio().__name__ == "torchaudio"
    assert importer.calls == 1
    assert "torchaudio._extension" not in sys.modules


def test_an_oserror_is_answered_with_the_stand_in(clean: pytest.MonkeyPatch) -> None:
    importer = Importer(OSError("libcudart.so"))
    clean.setattr(importlib, "import_module", importer)
    torchaudio_import.import_torchaudio()
    assert importer.calls == 2
    assert "torchaudio.half" not in sys.modules
    stand_in = sys.modules["torchaudio._extension"]
    assert stand_in._IS_TORCHAUDIO_EXT_AVAILABLE is False

    def align() -> None:
        """Something that needs the extension."""

    with pytest.raises(RuntimeError, match="align needs"):
        stand_in.fail_if_no_align(align)()


@pytest.mark.parametrize("error", [ImportError("no torchaudio"), RuntimeError("broken")])
def test_other_errors_pass_through(clean: pytest.MonkeyPatch, error: Exception) -> None:
    importer = Importer(error)
    clean.setattr(importlib, "import_module", importer)
    with pytest.raises(type(error)):
        torchaudio_import.import_torchaudio()
    assert importer.calls == 1

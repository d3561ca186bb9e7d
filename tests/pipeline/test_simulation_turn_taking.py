from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ressenti.pipeline.lab.simulation import turn_taking
from ressenti.pipeline.lab.simulation.turn_taking import said_in, turn_taking_of, upper_fit

RTTM = """
SPKR-INFO call 1 <NA> <NA> <NA> unknown b <NA>
SPEAKER call 1 4.0 1.0 <NA> <NA> b <NA> <NA>
SPEAKER call 1 0.0 1.0 <NA> <NA> a <NA> <NA>
SPEAKER call 1 1.5 2.0 <NA> <NA> a <NA> <NA>
SPEAKER call 1 4.8 2.0 <NA> <NA> a <NA> <NA>
"""


def test_turns_gaps_and_pauses() -> None:
    said = said_in(RTTM)
    assert said == [(0.0, 1.0, "a"), (1.5, 3.5, "a"), (4.0, 5.0, "b"), (4.8, 6.8, "a")]
    found = turn_taking_of([said, []])
    assert found.turns_s == pytest.approx((3.5, 1.0, 2.0))
    assert found.gaps_s == pytest.approx((0.5, -0.2))
    assert found.pauses_s == pytest.approx((0.5,))


def test_the_upper_half_of_a_log_normal_is_fitted() -> None:
    drawn = 0.4 * np.exp(np.random.default_rng(0).normal(0, 0.9, 20_000))
    median, spread = upper_fit(np.where(drawn < 0.2, 0, drawn).tolist())
    assert (median, spread) == (pytest.approx(0.4, rel=0.03), pytest.approx(0.9, rel=0.03))


def test_the_command_prints_quantiles(tmp_path: Path) -> None:
    import typer

    app = typer.Typer()
    app.command()(turn_taking.main)
    (tmp_path / "call.rttm").write_text(RTTM, encoding="utf-8")
    done = CliRunner().invoke(app, [str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "1 conversations" in done.output
    assert "turns       3" in done.output
    assert "changes without a gap: 50 %" in done.output

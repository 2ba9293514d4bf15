"""A rollout's evidence in words."""

from __future__ import annotations

import numpy as np

from serinus.cli.evidence import told_of_scores
from serinus.domain.score_shift import ScoreShift


def test_a_shift_of_scores_is_told_with_what_it_may_decide() -> None:
    """Nothing, unless the policy declares how much of a shift it tolerates."""
    past, moved = np.full(40, 1_000), np.arange(40)
    welcome, minded = (ScoreShift.at_start(past, tolerance=limit).observed(past, moved) for limit in (None, 0.2))
    assert "10^" in told_of_scores(welcome)
    assert told_of_scores(welcome).endswith("it decides nothing.")
    assert "of which 20 stops a promotion" in told_of_scores(minded)

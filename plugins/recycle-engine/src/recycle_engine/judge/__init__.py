"""Scores, and what may be concluded from them: intervals, paired comparisons, the gate. No torch."""

"""The claims of the seed text: each with its verdict, and an experiment that may fail."""

from normlab.claims.catalogue import CLAIMS, THEMES, find_claim, find_theme, seed_text, theme_of
from normlab.claims.claim import VERDICTS, Claim, Finding, Measure, NotRun, Verdict
from normlab.claims.run import Ledger, Result, count_verdicts, run_claim, run_claims
from normlab.claims.stored import load_ledger

__all__ = [
    "CLAIMS",
    "THEMES",
    "VERDICTS",
    "Claim",
    "Finding",
    "Ledger",
    "Measure",
    "NotRun",
    "Result",
    "Verdict",
    "count_verdicts",
    "find_claim",
    "find_theme",
    "load_ledger",
    "run_claim",
    "run_claims",
    "seed_text",
    "theme_of",
]

"""How answers are run on a probe: no expected value and no reference may stand in here."""

"""The command `normlab claims`: the ledger, one claim explained, or JSON."""

import sys
from collections.abc import Sequence

from normlab.claims.catalogue import find_claim
from normlab.claims.run import run_claims


def claims_command(numbers: Sequence[int], as_json: bool) -> int:
    """Run all claims, or those of these numbers, and print what came out.

    The exit code is 0 only if at least one experiment ran and every one that ran passes, and 2 if
    there is no claim of a number.
    """
    try:
        for number in numbers:
            find_claim(number)
    except ValueError as error:
        print(f"normlab claims: {error}", file=sys.stderr)
        return 2
    ledger = run_claims(numbers or None)
    if as_json:
        print(ledger.as_json())
    elif numbers:
        print("\n\n".join(str(result) for result in ledger.results))
    else:
        print(f"{ledger.terminal_table()}\n\n{ledger.summary()}")
    return 0 if ledger.passed else 1

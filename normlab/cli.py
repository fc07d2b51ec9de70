"""The `normlab` command."""

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0 only if it succeeded."""
    parser = argparse.ArgumentParser(prog="normlab", description="The normalization course.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="what is installed, what is wrong, and the cure")
    parser.parse_args(arguments)
    return doctor()


def doctor() -> int:
    try:
        from normlab.doctor import diagnose, header
    except ModuleNotFoundError as error:  # the doctor itself needs two small packages
        print(f"{error.name} is missing: run `make lab` in the course's folder")
        return 1
    report = diagnose()
    print(f"{header()}\n\n{report}")
    return 0 if report.healthy else 1


if __name__ == "__main__":
    sys.exit(main())

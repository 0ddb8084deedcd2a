"""The command ``data-scaling``."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; an interruption while it is still being imported is told too."""
    try:
        from data_scaling.cli.app import run_app

        run_app()
    except KeyboardInterrupt:
        print("interrupted.", file=sys.stderr)
        raise SystemExit(130) from None

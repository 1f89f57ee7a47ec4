"""The command ``vesica``, and ``python -m vesica``."""

import sys


def run() -> None:
    """Run the command line; a Ctrl-C while it still loads is one sentence too."""
    try:
        from vesica.cli.main import main
    except KeyboardInterrupt:
        print("vesica: Stopped; every turn up to here is kept.", file=sys.stderr)
        sys.exit(2)
    main()


if __name__ == "__main__":
    run()

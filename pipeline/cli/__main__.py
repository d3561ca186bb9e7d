"""Entry point of `python -m ressenti`."""

from ressenti.pipeline.cli import main

if __name__ == "__main__":
    main()

"""What `python -m ressenti` runs."""

from ressenti.pipeline.cli import main

if __name__ == "__main__":
    main()

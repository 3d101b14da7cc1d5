"""``python -m model_core``: the command line."""

from model_core.cli import main

if __name__ == "__main__":
    main()

"""``python -m training``: render, train, evaluate, pairs."""

from training.cli import app

if __name__ == "__main__":
    app(prog_name="python -m training")

"""`python -m qless_flask`: the command line."""

from qless_flask.cli import main

if __name__ == "__main__":
    main(prog_name="qless-flask")

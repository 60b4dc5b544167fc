"""`python -m lab`: the lab's command line."""

from lab.cli.main import main

if __name__ == "__main__":
    main(prog_name="python -m lab")

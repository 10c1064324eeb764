"""`python -m engager` is the same program as `engager`."""

from engager.app.cli import main

if __name__ == "__main__":
    main()

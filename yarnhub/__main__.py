"""`python -m yarnhub`."""

from yarnhub.cli import main

if __name__ == "__main__":
    main()

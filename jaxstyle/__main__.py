"""`python -m jaxstyle`: the command line, where it is not on the path."""

from jaxstyle.cli import main

if __name__ == "__main__":
    main()

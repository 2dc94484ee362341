"""`python -m executor`."""

from executor.cli import main

main()

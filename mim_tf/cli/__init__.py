"""The command line: one function per command, and the output of the commands."""

"""One command of exctl a file: what is asked for, what is called, what is printed."""

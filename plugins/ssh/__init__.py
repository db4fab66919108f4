"""One OpenSSH connection a host and run, which everything that goes to the host shares."""

"""What an auditor asks of the hosts and the stack: read only, advice and no condition of a run."""

"""What the hosts, the state and the services say now; read only."""

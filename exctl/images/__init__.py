"""Images: from the vendor's archive into the registry, from there onto the hosts, and off them."""

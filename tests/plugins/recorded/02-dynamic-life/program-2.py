Thing("a", "2")

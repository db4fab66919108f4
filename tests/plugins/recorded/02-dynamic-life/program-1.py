Thing("a")

"""The command line itself: options, usage errors, completion, pages."""

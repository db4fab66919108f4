"""Every changing run: one record when it began, one when it ended, and its transcript."""

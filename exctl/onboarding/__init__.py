"""New stacks: from answers, from a file, from the vendor's .env; and back."""

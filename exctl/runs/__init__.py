"""Plans and runs: up, destroy, and the edits of a stack file that lead to them."""

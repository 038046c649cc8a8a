"""Pages on which people see what is proposed, approve it and take it back."""

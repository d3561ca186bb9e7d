"""Training of the built-in weights and of users' own models; nothing here is needed to use them."""

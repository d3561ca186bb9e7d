"""How the built-in weights were made; nothing here is needed to use them."""

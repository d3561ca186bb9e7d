"""Find personal data in the words of a conversation: card numbers, IBAN, phone numbers, addresses, dates of birth."""

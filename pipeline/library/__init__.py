"""A library: the results of many recordings in one folder, with tables, failures and deletions."""

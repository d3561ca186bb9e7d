"""Files and folders given by users: existence checks, bounded reading, and errors of a full disk."""

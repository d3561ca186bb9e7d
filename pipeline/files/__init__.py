"""Files and folders that users give: found, read within bounds, written without filling the disk unnoticed."""

"""The laboratory: how good the product is, and how its models were made. Nothing here is needed for an analysis."""

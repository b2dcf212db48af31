"""The stores behind the contract, opened by URL."""

"""What runs are worth: counted, compared, chosen, put together."""

"""What one machine carries: the parts of `bench/sizing.py`."""

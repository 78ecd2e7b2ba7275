"""What several tests use: pytest plugins, which tests/conftest.py loads, and plain helpers."""

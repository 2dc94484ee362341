"""What people do with connections that needs other programs: their tests."""

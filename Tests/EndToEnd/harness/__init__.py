"""What the end-to-end tests are made of: real servers of their own, foreign clients, and ways to wait."""

"""How Spark is set up and started, and what its errors mean in plain words."""

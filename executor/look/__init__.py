"""What a file is, before anything is decided about it: no Spark, no portal; heavy imports inside the functions that need them."""

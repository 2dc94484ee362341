"""The small languages inside a document: SQL text, parameters, column schemas, patterns, addresses. No Spark."""

"""Models as strangers write them, each with what a reader of models must say about it."""

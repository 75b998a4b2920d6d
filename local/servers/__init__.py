"""The four servers of the stack: configuration written, and the part that runs each."""

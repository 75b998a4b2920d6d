"""What can be known before frames flow: pure rules that turn numbers into findings."""

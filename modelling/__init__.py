"""How the demo clip and the two versions of the model in `model_repository/` were made."""

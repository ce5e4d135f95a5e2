"""Recipe of the change model: pairs, network, training, export, evaluation."""
